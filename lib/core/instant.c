#include "instant.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const int64_t SECOND_US = 1000000;
static const int64_t DAY_SECONDS = 86400;
static const int64_t FIRST_DAY = -719528; /* 0000-01-01 */
static const int64_t LAST_DAY = 2932896;  /* 9999-12-31 */

struct date {
    int year;
    int month;
    int day;
};

/* Years of this calculation begin in March, so that the day that leap years add is the last; 400 of them (an era) have 146097 days. */
enum { ERA_DAYS = 146097, MARCH_1_0000_TO_1970 = 719468 };

static int64_t days_from_date(struct date date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month = (date.month + 9) % 12;
    int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * ERA_DAYS + day_of_era - MARCH_1_0000_TO_1970;
}

static struct date date_from_days(int64_t days)
{
    days += MARCH_1_0000_TO_1970;
    int64_t era = (days >= 0 ? days : days - (ERA_DAYS - 1)) / ERA_DAYS;
    int64_t day_of_era = days - era * ERA_DAYS;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct date date = {.month = (int)(month < 10 ? month + 3 : month - 9), .day = (int)(day_of_year - (153 * month + 2) / 5 + 1)};
    date.year = (int)(year_of_era + era * 400 + (date.month <= 2));
    return date;
}

static int64_t floor_divide(int64_t value, int64_t divisor)
{
    return value / divisor - (value % divisor < 0);
}

static int64_t floor_rest(int64_t value, int64_t divisor)
{
    int64_t rest = value % divisor;
    return rest < 0 ? rest + divisor : rest;
}

void hd_instant_text(int64_t at_us, char buffer[HD_INSTANT_SIZE])
{
    int64_t seconds = floor_divide(at_us, SECOND_US);
    int64_t days = floor_divide(seconds, DAY_SECONDS);
    int second = (int)floor_rest(seconds, DAY_SECONDS), microsecond = (int)floor_rest(at_us, SECOND_US);
    /* RFC 3339 has four digits for the year: what lies beyond is shown as the last instant that it can write. */
    if (days < FIRST_DAY) {
        days = FIRST_DAY;
        second = microsecond = 0;
    } else if (days > LAST_DAY) {
        days = LAST_DAY;
        second = (int)DAY_SECONDS - 1;
        microsecond = (int)SECOND_US - 1;
    }
    struct date date = date_from_days(days);
    char text[96];
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", date.year, date.month, date.day, second / 3600, second / 60 % 60,
             second % 60, microsecond);
    memcpy(buffer, text, HD_INSTANT_SIZE - 1);
    buffer[HD_INSTANT_SIZE - 1] = '\0';
}

/* Exactly `count` digits. */
static bool read_digits(const char **text, int count, int *ret_value)
{
    int value = 0;
    for (int i = 0; i < count; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return false;
        value = value * 10 + (**text - '0');
    }
    *ret_value = value;
    return true;
}

static bool read_char(const char **text, const char *allowed)
{
    if (**text == '\0' || strchr(allowed, **text) == NULL)
        return false;
    (*text)++;
    return true;
}

static bool read_date(const char **text, int64_t *ret_days)
{
    static const int LENGTHS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct date date;
    if (!read_digits(text, 4, &date.year) || !read_char(text, "-") || !read_digits(text, 2, &date.month) || !read_char(text, "-") ||
        !read_digits(text, 2, &date.day))
        return false;
    if (date.month < 1 || date.month > 12)
        return false;
    bool leap = (date.year % 4 == 0 && date.year % 100 != 0) || date.year % 400 == 0;
    if (date.day < 1 || date.day > LENGTHS[date.month - 1] + (leap && date.month == 2))
        return false;
    *ret_days = days_from_date(date);
    return true;
}

/* Decimals finer than a microsecond are cut off. */
static bool read_fraction(const char **text, int64_t *ret_us)
{
    int64_t fraction = 0, unit = SECOND_US / 10;
    if (**text == '.') {
        (*text)++;
        if (**text < '0' || **text > '9')
            return false;
        for (; **text >= '0' && **text <= '9'; (*text)++, unit /= 10)
            fraction += unit * (**text - '0');
    }
    *ret_us = fraction;
    return true;
}

static bool read_time(const char **text, int64_t *ret_us)
{
    int hour, minute, second;
    int64_t fraction;
    if (!read_digits(text, 2, &hour) || !read_char(text, ":") || !read_digits(text, 2, &minute) || !read_char(text, ":") ||
        !read_digits(text, 2, &second) || !read_fraction(text, &fraction))
        return false;
    if (hour > 23 || minute > 59 || second > 60) /* 60: a leap second, the same instant as the one that follows it */
        return false;
    *ret_us = (hour * 3600 + minute * 60 + second) * SECOND_US + fraction;
    return true;
}

static bool read_offset(const char **text, int64_t *ret_us)
{
    if (read_char(text, "Zz")) {
        *ret_us = 0;
        return true;
    }
    bool west = **text == '-';
    int hours, minutes;
    if (!read_char(text, "+-") || !read_digits(text, 2, &hours) || !read_char(text, ":") || !read_digits(text, 2, &minutes) || hours > 23 ||
        minutes > 59)
        return false;
    *ret_us = (hours * 3600 + minutes * 60) * SECOND_US * (west ? -1 : 1);
    return true;
}

bool hd_instant_parse(const char *text, int64_t *ret_at_us)
{
    int64_t days, time_us, offset_us;
    if (!read_date(&text, &days) || !read_char(&text, "Tt ") || !read_time(&text, &time_us) || !read_offset(&text, &offset_us) ||
        *text != '\0')
        return false;
    *ret_at_us = days * DAY_SECONDS * SECOND_US + time_us - offset_us;
    return true;
}
