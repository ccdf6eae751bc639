/* What a plain word means: the scalars of the YAML 1.2 core schema, as JSON text. */
#ifndef HD_CLIENT_SCALAR_H
#define HD_CLIENT_SCALAR_H

#include <stddef.h>

#include "core/text.h"

enum scalar_kind {
    SCALAR_STRING,
    SCALAR_NULL,
    SCALAR_BOOLEAN,
    SCALAR_INTEGER,
    SCALAR_FLOAT,
    SCALAR_NOT_FINITE, /* .inf, -.inf, .nan: JSON has no such numbers */
    SCALAR_TOO_LARGE,  /* a number that a double cannot hold, or more digits than 64 bits in base 8 and 16 */
};

/* The kind of `word`; for null, booleans, integers and floats their JSON text is added to `json` (`+0x1F` is no number, `0x1F` is 31,
 * `.5` is 0.5, `1e-5` stays 1e-5). */
enum scalar_kind scalar_resolve(const char *word, size_t length, struct hd_text *json);

/* The same for decimal numbers alone: SCALAR_INTEGER, SCALAR_FLOAT, SCALAR_TOO_LARGE, or SCALAR_STRING for what is none. */
enum scalar_kind scalar_decimal(const char *word, size_t length, struct hd_text *json);

#endif
