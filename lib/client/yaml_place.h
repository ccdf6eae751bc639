/* Where in a YAML file (or JSON, which is YAML, too) something stands. */
#ifndef HD_CLIENT_YAML_PLACE_H
#define HD_CLIENT_YAML_PLACE_H

#include <stdbool.h>
#include <stddef.h>

/* Line and column, both from 1, of the member at `path` (`a.b[3].c`; names may have dots in them), or if there is none of the nearest one
 * that it would be in. False if not even that is there. `text` is what yaml_json_parse has taken. */
bool yaml_place(const char *text, size_t length, const char *path, size_t *ret_line, size_t *ret_column);

#endif
