#include "metric_value.h"

#include <inttypes.h>

#include "core/json.h"
#include "core/number.h"

void metric_value_print(struct hd_text *text, const struct store_stored_point *point, const char *run_id)
{
    char number[HD_NUMBER_TEXT_SIZE];

    switch (point->kind) {
    case STORE_INTEGER:
        hd_text_format(text, "%" PRId64, point->integer);
        break;
    case STORE_FLOAT:
        hd_number_json(point->number, number);
        hd_text_add_string(text, number);
        break;
    case STORE_NAN:
        hd_text_add_string(text, "\"NaN\"");
        break;
    case STORE_INFINITY:
        hd_text_add_string(text, "\"Infinity\"");
        break;
    case STORE_MINUS_INFINITY:
        hd_text_add_string(text, "\"-Infinity\"");
        break;
    case STORE_STRING:
        hd_json_print_string(text, point->text);
        break;
    case STORE_BOOLEAN:
        hd_text_add_string(text, point->integer != 0 ? "true" : "false");
        break;
    case STORE_NULL:
        hd_text_add_string(text, "null");
        break;
    case STORE_ROW:
    case STORE_TABLE:
        hd_text_add_string(text, point->text);
        break;
    case STORE_IMAGE: {
        struct hd_text location = {0};

        hd_text_format(&location, "artifact://%s/%s", run_id, point->text);
        hd_json_print_string(text, location.failed ? "" : location.data);
        text->failed |= location.failed;
        hd_text_clear(&location);
        break;
    }
    }
}
