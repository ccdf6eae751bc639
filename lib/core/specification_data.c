#include <string.h>
#include <strings.h>

#include "json.h"
#include "json_tree.h"
#include "specification_parts.h"

/* Inputs and outputs: what placeholders of these roots may name. */

#define DATA_TYPE                                                                                                                          \
    {                                                                                                                                      \
        .name = "type", .type = HD_FIELD_STRING, .absent = "\"uri_folder\"", .choices = "uri_file, uri_folder, mltable, mlflow_model"      \
    }

/* Names are parts of placeholders and of paths. */
static bool is_data_name(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    size_t length = strlen(name);

    return length > 0 && length <= 128 && strspn(name, letters) > 0 &&
           name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789-")] == '\0';
}

static void check_name(const struct hd_fields *fields, const char *name)
{
    if (!is_data_name(name)) {
        hd_fields_problem(fields, fields->errors, "InvalidName", name,
                          " is not a valid name: give a letter or _, then letters, digits, _ and -, 128 bytes at most");
    }
}

static bool begins_with(const char *string, const char *beginning)
{
    return strncasecmp(string, beginning, strlen(beginning)) == 0;
}

/* Addresses that only the original can read. With `direct` a web address is handed on to the program. */
static bool is_remote(const char *path, bool direct)
{
    static const char *const always[] = {"azureml:", "wasb://", "wasbs://", "abfs://", "abfss://", "adl://", "hdfs://", "s3://", "gs://"};

    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
        if (begins_with(path, always[i])) {
            return true;
        }
    }
    return !direct && (begins_with(path, "http://") || begins_with(path, "https://"));
}

static void read_input_path(const struct hd_fields *fields, const struct hd_field *field)
{
    const struct hd_specification_options *options = ((const struct hd_reading *)fields->context)->options;
    const cJSON *path = hd_field_read(fields, field);
    const cJSON *mode = cJSON_GetObjectItemCaseSensitive(fields->output, "mode");
    bool direct = cJSON_IsString(mode) && strcmp(mode->valuestring, "direct") == 0;

    if (path == NULL) {
        return;
    }
    if (is_remote(path->valuestring, direct)) {
        hd_fields_problem(fields, fields->errors, "Unsupported", field->name,
                          ": a remote address is not supported here; download the data and give a local path");
    } else if (direct && (begins_with(path->valuestring, "http://") || begins_with(path->valuestring, "https://"))) {
        return;
    } else if (path->valuestring[0] != '/') {
        hd_fields_out_of_range(fields, field->name, "an absolute path", path);
    } else if (options->exists != NULL && !options->exists(options->context, path->valuestring)) {
        hd_fields_problem(fields, fields->errors, "NotFound", field->name, ": no such file or directory: %s", path->valuestring);
    }
}

static const struct hd_field input_fields[] = {
    DATA_TYPE,
    {.name = "mode", .type = HD_FIELD_STRING, .absent = "\"ro_mount\"", .choices = "ro_mount, download, direct"},
    {.name = "path", .type = HD_FIELD_STRING, .required = true, .read = read_input_path},
};

static const struct hd_field output_fields[] = {
    DATA_TYPE,
    {.name = "mode", .type = HD_FIELD_STRING, .absent = "\"rw_mount\"", .choices = "rw_mount, upload"},
};

static void read_data_object(const struct hd_fields *fields, const cJSON *item, const struct hd_field *table, size_t count)
{
    struct hd_fields data = hd_fields_enter(fields, item->string, item);

    hd_fields_read(&data, table, count);
    hd_fields_leave(&data);
}

/* A literal that is not an object. */
static void read_literal(const struct hd_fields *fields, const cJSON *item)
{
    int64_t integer;

    if (cJSON_IsArray(item) || cJSON_IsNull(item)) {
        hd_fields_wrong_type(fields, item->string, "a string, a number, true, false or an object", item);
    } else if (cJSON_IsNumber(item) && hd_json_is_integer(item) && !hd_json_integer(item, &integer)) {
        hd_fields_out_of_range(fields, item->string, "between -9007199254740991 and 9007199254740991", item);
    }
    hd_fields_put(fields, item->string, json_copy(item)); /* a wrong one too, so that placeholders find the name */
}

void hd_read_inputs(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *given = hd_field_check(fields, field);

    if (given == NULL) {
        hd_fields_put(fields, field->name, json_new(cJSON_Object));
        return;
    }
    struct hd_fields inputs = hd_fields_enter(fields, field->name, given);
    for (const cJSON *item = given->child; item != NULL; item = item->next) {
        check_name(&inputs, item->string);
        if (cJSON_IsObject(item)) {
            read_data_object(&inputs, item, input_fields, sizeof input_fields / sizeof input_fields[0]);
        } else {
            read_literal(&inputs, item);
        }
    }
    hd_fields_leave(&inputs);
}

void hd_read_outputs(const struct hd_fields *fields, const struct hd_field *field)
{
    const cJSON *given = hd_field_check(fields, field);

    if (given == NULL) {
        hd_fields_put(fields, field->name, json_new(cJSON_Object));
        return;
    }
    struct hd_fields outputs = hd_fields_enter(fields, field->name, given);
    for (const cJSON *item = given->child; item != NULL; item = item->next) {
        check_name(&outputs, item->string);
        if (cJSON_IsObject(item)) {
            read_data_object(&outputs, item, output_fields, sizeof output_fields / sizeof output_fields[0]);
        } else {
            hd_fields_wrong_type(&outputs, item->string, "an object", item);
        }
    }
    hd_fields_leave(&outputs);
}
