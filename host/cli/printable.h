/* Names of files, tensors and devices come from outside. A text that shows them must neither break
 * a line nor reach the terminal as a command. */
#ifndef PARSEAL_HOST_CLI_PRINTABLE_H
#define PARSEAL_HOST_CLI_PRINTABLE_H

/* Puts '?', in place, for every control character (C0, DEL, and C1 as U+0080 to U+009F), every
 * character that breaks a line or turns the direction of writing, and every byte that is not part
 * of UTF-8. */
void printable_line(char *text);

#endif
