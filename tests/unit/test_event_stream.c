/* Server-Sent Events, read however the network cuts them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "event_stream.h"

static const char stream_text[] = ": hello\n\n"
                                  "id: 7\nevent: run\ndata: {\"a\":1}\n\n"
                                  "event:log\r\ndata:first\r\ndata: second\r\nretry: 10\r\n\r\n"
                                  "id: 9\n\n"
                                  "data: plain\nid: 12\n\n"
                                  "id: 13\ndata: cut of";

static bool take(void *context, const char *kind, const char *data)
{
    struct hd_text *seen = context;

    hd_text_format(seen, "[%s|%s]", kind, data);
    return strcmp(data, "end") != 0;
}

START_TEST(events_in_parts_of_any_size)
{
    for (size_t part = 1; part <= sizeof(stream_text); part++) {
        struct hd_text seen = {0};
        struct event_stream stream;

        event_stream_open(&stream, take, &seen);
        for (size_t at = 0; at < sizeof(stream_text) - 1; at += part) {
            size_t left = sizeof(stream_text) - 1 - at;

            ck_assert(event_stream_feed(&stream, stream_text + at, left < part ? left : part));
        }
        ck_assert_str_eq(seen.data, "[run|{\"a\":1}][log|first\nsecond][message|plain]");
        ck_assert_str_eq(stream.last_id, "12");
        event_stream_close(&stream);
        hd_text_clear(&seen);
    }
}
END_TEST

START_TEST(a_new_connection_drops_what_was_begun)
{
    struct hd_text seen = {0};
    struct event_stream stream;

    event_stream_open(&stream, take, &seen);
    ck_assert(event_stream_feed(&stream, "id: 3\ndata: a\n\nid: 4\ndata: lo", 29));
    event_stream_restart(&stream);
    ck_assert_str_eq(stream.last_id, "3");
    ck_assert(event_stream_feed(&stream, "id: 4\ndata: b\n\n", 15));
    ck_assert_str_eq(seen.data, "[message|a][message|b]");
    ck_assert_str_eq(stream.last_id, "4");
    event_stream_close(&stream);
    hd_text_clear(&seen);
}
END_TEST

START_TEST(the_taker_ends_it)
{
    struct hd_text seen = {0};
    struct event_stream stream;

    event_stream_open(&stream, take, &seen);
    ck_assert(!event_stream_feed(&stream, "data: end\n\ndata: more\n\n", 23));
    ck_assert_str_eq(seen.data, "[message|end]");
    ck_assert(!stream.failed);
    event_stream_close(&stream);
    hd_text_clear(&seen);
}
END_TEST

START_TEST(a_line_without_end_is_refused)
{
    static char bytes[1024 * 1024];
    struct event_stream stream;
    bool fed = true;

    memset(bytes, 'x', sizeof(bytes));
    event_stream_open(&stream, take, NULL);
    for (int i = 0; i < 32 && fed; i++) {
        fed = event_stream_feed(&stream, bytes, sizeof(bytes));
    }
    ck_assert(!fed);
    ck_assert(stream.failed);
    event_stream_close(&stream);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event_stream");
    TCase *tests = tcase_create("event_stream");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tests, events_in_parts_of_any_size);
    tcase_add_test(tests, a_new_connection_drops_what_was_begun);
    tcase_add_test(tests, the_taker_ends_it);
    tcase_add_test(tests, a_line_without_end_is_refused);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
