/* Signals that end the process, and the one file that must not outlive it. */
#ifndef PARSEAL_HOST_CLI_SIGNALS_H
#define PARSEAL_HOST_CLI_SIGNALS_H

/* From now on every signal that ends a process, and can be caught, first removes the file that
 * signals_file has named. What the caller ignores stays ignored, and a runtime's own handlers stay,
 * except for the signals with which users end programs. */
void signals_catch(void);

/* Between these two, which keep errno, no such signal takes effect: a file is made, renamed or
 * removed, and signals_file says what is there now. Not to be nested. */
void signals_hold(void);
void signals_release(void);

/* The file to be removed, in the folder `dir`; name NULL: none. The name is kept, not copied. */
void signals_file(int dir, const char *name);

#endif
