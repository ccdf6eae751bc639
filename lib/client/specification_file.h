/* A sweep's specification from a file of JSON or YAML. */
#ifndef HD_CLIENT_SPECIFICATION_FILE_H
#define HD_CLIENT_SPECIFICATION_FILE_H

#include <cjson/cJSON.h>

#include "core/error.h"
#include "core/text.h"

/* Reads `path` (`-`: standard input). Its name says what it is: .json, .yaml, .yml; without one of these it is JSON if it begins with `{`.
 * Relative paths in it are made absolute (specification_paths.h). The caller frees with cJSON_Delete; NULL after filling `error` (and, for
 * faults of the JSON, only the first). Then, too, the text of the file is in *ret_text, which is the caller's to clear. */
cJSON *specification_file_read(const char *path, struct hd_text *ret_text, struct hd_error *error);

#endif
