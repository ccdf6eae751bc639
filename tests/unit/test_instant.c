/* Points in time as text, both ways. */
#include <check.h>
#include <string.h>
#include <time.h>

#include "core/instant.h"
#include "core/random.h"
#include "rounds.h"

static const struct {
    const char *text;
    const char *normal; /* NULL: not taken */
} CASES[] = {
    {"2025-02-07T06:39:33.034036Z", "2025-02-07T06:39:33.034036Z"},
    {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"},
    {"0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000000Z"},
    {"9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"},
    {"2024-02-29T12:00:00+02:00", "2024-02-29T10:00:00.000000Z"},
    {"2024-03-01T00:30:00.5+05:30", "2024-02-29T19:00:00.500000Z"},
    {"1969-12-31T23:59:59.9999999-00:00", "1969-12-31T23:59:59.999999Z"},
    {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z"},
    {"2024-01-01t00:00:00.1234567891z", "2024-01-01T00:00:00.123456Z"},
    {"2024-01-01 00:00:00-23:59", "2024-01-01T23:59:00.000000Z"},
    {"2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000000Z"},
    {"1900-02-29T00:00:00Z", NULL},
    {"2023-02-29T00:00:00Z", NULL},
    {"2024-13-01T00:00:00Z", NULL},
    {"2024-00-01T00:00:00Z", NULL},
    {"2024-01-32T00:00:00Z", NULL},
    {"2024-01-00T00:00:00Z", NULL},
    {"2024-01-01T24:00:00Z", NULL},
    {"2024-01-01T00:60:00Z", NULL},
    {"2024-01-01T00:00:61Z", NULL},
    {"2024-01-01T00:00:00", NULL},
    {"2024-01-01T00:00:00.Z", NULL},
    {"2024-01-01T00:00Z", NULL},
    {"2024-01-01T00:00:00+2:00", NULL},
    {"2024-01-01T00:00:00+02:60", NULL},
    {"2024-01-01T00:00:00+24:00", NULL},
    {"2024-01-01T00:00:00Zx", NULL},
    {"2024-1-01T00:00:00Z", NULL},
    {"2024-01-01", NULL},
    {"-024-01-01T00:00:00Z", NULL},
    {"", NULL},
};

START_TEST(table)
{
    int64_t at_us = 77;
    bool parsed = hd_instant_parse(CASES[_i].text, &at_us);
    ck_assert_int_eq(parsed, CASES[_i].normal != NULL);
    if (!parsed) {
        ck_assert_int_eq(at_us, 77);
        return;
    }
    char text[HD_INSTANT_SIZE];
    hd_instant_text(at_us, text);
    ck_assert_str_eq(text, CASES[_i].normal);
}
END_TEST

START_TEST(known_instants)
{
    int64_t at_us;
    ck_assert(hd_instant_parse("2025-02-07T06:39:33.034036Z", &at_us));
    ck_assert_int_eq(at_us, INT64_C(1738910373034036));
    char text[HD_INSTANT_SIZE];
    hd_instant_text(-1, text);
    ck_assert_str_eq(text, "1969-12-31T23:59:59.999999Z");
    hd_instant_text(INT64_MAX, text);
    ck_assert_str_eq(text, "9999-12-31T23:59:59.999999Z");
    hd_instant_text(INT64_MIN, text);
    ck_assert_str_eq(text, "0000-01-01T00:00:00.000000Z");
}
END_TEST

START_TEST(random_instants_round_trip)
{
    static const int64_t FIRST_US = INT64_C(-62167219200000000), SPAN_US = INT64_C(315569520000000000); /* years 0 to 9999 */
    for (uint64_t i = 0; i < rounds(100000); i++) {
        int64_t at_us = FIRST_US + (int64_t)(hd_random_bits(1, i, 0, 0) % (uint64_t)SPAN_US), again;
        char text[HD_INSTANT_SIZE], expected[HD_INSTANT_SIZE];
        hd_instant_text(at_us, text);
        ck_assert(hd_instant_parse(text, &again));
        ck_assert_int_eq(at_us, again);
        time_t seconds = (time_t)((at_us - FIRST_US) / 1000000 + FIRST_US / 1000000);
        struct tm parts;
        gmtime_r(&seconds, &parts);
        if (parts.tm_year + 1900 >= 1000) { /* strftime does not fill up the year */
            ck_assert_uint_gt(strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S", &parts), 0);
            ck_assert_int_eq(strncmp(text, expected, 19), 0);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("instant");
    TCase *instants = tcase_create("instants");
    tcase_add_loop_test(instants, table, 0, sizeof CASES / sizeof *CASES);
    tcase_add_test(instants, known_instants);
    tcase_add_test(instants, random_instants_round_trip);
    tcase_set_timeout(instants, 60);
    suite_add_tcase(suite, instants);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
