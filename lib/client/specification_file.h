/* A sweep's specification from a file of JSON or YAML. */
#ifndef HD_CLIENT_SPECIFICATION_FILE_H
#define HD_CLIENT_SPECIFICATION_FILE_H

#include <cjson/cJSON.h>

#include "core/error.h"

/* Reads `path` (`-`: standard input). Its name says what it is: .json, .yaml, .yml; without one of these it is JSON if it begins with `{`.
 * Relative paths in it are made absolute (specification_paths.h). The caller frees with cJSON_Delete; NULL after filling `error` (and, for
 * faults of the JSON, only the first). */
cJSON *specification_file_read(const char *path, struct hd_error *error);

#endif
