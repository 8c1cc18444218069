/* What instructions give, a line each: "add.u16: ffff 0002 = 0001; ...". Operands are hexadecimal,
 * with as many digits as the type has; one digit is a predicate. The results have been computed
 * from the text of the PTX manual (chapter "Instruction Set") with integers and fractions of any
 * size, not by the interpreter or its language's operators. */
#ifndef PARSEAL_TESTS_PTX_ROWS_H
#define PARSEAL_TESTS_PTX_ROWS_H

#include <stdbool.h>

extern const char *const INTEGER_ROWS[],
    *const BIT_ROWS[], *const COMPARISON_ROWS[], *const FLOAT_ROWS[]; /* each ends with NULL */

/* Runs the instruction of a line with its operands, each set of them in lanes of its own. */
void check_row(const char *line);

/* Does a line of the list try this instruction? */
bool has_row(const char *const *list, const char *instruction);

#endif
