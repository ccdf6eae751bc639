/* What libyaml must not be given: characters that it refuses without saying where, and what it would take for ever over. */
#ifndef HD_CLIENT_YAML_TEXT_H
#define HD_CLIENT_YAML_TEXT_H

#include <stddef.h>

#include "core/error.h"

enum { YAML_TAG_DIRECTIVES = 100 };

/* 0, or negative after filling `error` with a sentence that begins with `line L, column C: `. */
int yaml_text_check(const char *bytes, size_t length, struct hd_error *error);

#endif
