/* Numbers as text, exactly: the shortest decimal that gives the same double (reference 5.4, 5.5). */
#ifndef HD_CORE_NUMBER_H
#define HD_CORE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HD_INTEGER_MAX INT64_C(9007199254740991) /* 2^53-1, the largest integer taken as a value */

enum { HD_NUMBER_TEXT_SIZE = 400 }; /* a negative 1e308 without exponent, and its NUL */

/* JSON text of a finite or non-finite double: `65.0`, `1e-05`, `"NaN"`, `"-Infinity"` (with the quotes). Returns the length. */
size_t hd_number_json(double value, char buffer[HD_NUMBER_TEXT_SIZE]);
/* Text for argument lists and environments: `65`, `1e-05`, and `-0.00001` for negative ones. `value` must be finite. */
size_t hd_number_command_line(double value, char buffer[HD_NUMBER_TEXT_SIZE]);

#endif
