/* Signals that end the process, and the one file that must not outlive it. */
#ifndef PARSEAL_HOST_CLI_SIGNALS_H
#define PARSEAL_HOST_CLI_SIGNALS_H

/* From now on every signal that ends a process, and can be caught, first removes the file that
 * signals_file has named. Signals that the caller ignores stay ignored, and a runtime's own
 * handlers stay, except for the signals with which users end programs. */
void signals_catch(void);

/* Between these two calls, which keep errno, no such signal takes effect: a file is made, renamed
 * or removed there, and signals_file names the file that is there now. They must not be nested. */
void signals_hold(void);
void signals_release(void);

/* Names the file to be removed, in the folder `dir`, or none where name is NULL. The pointer is
 * kept, and the name not copied. */
void signals_file(int dir, const char *name);

#endif
