#include "deadline.h"

#include <time.h>

/* The timer's clock stands still while the machine sleeps, so it looks again at least this often. */
enum { LONGEST_SLEEP_MS = 10000, AGAIN_US = 1000000 };

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t deadline_now_us(void)
{
    return clock_us(CLOCK_BOOTTIME);
}

int64_t deadline_behind_us(int64_t began_us, int64_t limit_us)
{
    int64_t passed_us = clock_us(CLOCK_REALTIME) - began_us;

    if (passed_us < 0)
        passed_us = 0;
    return deadline_now_us() + (passed_us < limit_us ? limit_us - passed_us : 0);
}

/* --- A pairing heap: each deadline is a part of it itself ---------------------------------------------------------------------------- */

static struct deadline *merge(struct deadline *a, struct deadline *b)
{
    struct deadline *earlier = b == NULL || (a != NULL && a->at_us <= b->at_us) ? a : b, *later = earlier == a ? b : a;

    if (later == NULL)
        return earlier;
    later->next = earlier->first;
    later->link = &earlier->first;
    if (later->next != NULL)
        later->next->link = &later->next;
    earlier->first = later;
    return earlier;
}

/* One of all that lie beside each other: in pairs first, which is what keeps it shallow. */
static struct deadline *merge_all(struct deadline *deadline)
{
    struct deadline *pairs = NULL, *all = NULL, *next;

    for (; deadline != NULL; deadline = next) {
        struct deadline *second = deadline->next, *pair;

        next = second != NULL ? second->next : NULL;
        pair = merge(deadline, second);
        pair->next = pairs;
        pairs = pair;
    }
    for (; pairs != NULL; pairs = next) {
        next = pairs->next;
        all = merge(all, pairs);
    }
    return all;
}

static void put(struct deadlines *deadlines, struct deadline *deadline)
{
    deadlines->earliest = merge(deadlines->earliest, deadline);
    if (deadlines->earliest == NULL)
        return;
    deadlines->earliest->next = NULL;
    deadlines->earliest->link = &deadlines->earliest;
}

static void take_out(struct deadlines *deadlines, struct deadline *deadline)
{
    struct deadline *below = merge_all(deadline->first);

    *deadline->link = deadline->next;
    if (deadline->next != NULL)
        deadline->next->link = deadline->link;
    deadline->first = deadline->next = NULL;
    deadline->link = NULL;
    put(deadlines, below);
}

/* --- The timer ------------------------------------------------------------------------------------------------------------------------ */

static void arm(struct deadlines *deadlines);

static void on_timer(uv_timer_t *timer)
{
    struct deadlines *deadlines = timer->data;
    int64_t now = deadline_now_us();

    while (deadlines->earliest != NULL && deadlines->earliest->at_us <= now) {
        struct deadline *deadline = deadlines->earliest;

        take_out(deadlines, deadline);
        deadline->reached(deadline);
    }
    arm(deadlines);
}

static void arm(struct deadlines *deadlines)
{
    int64_t wait_ms;

    if (deadlines->earliest == NULL) {
        (void)uv_timer_stop(&deadlines->timer);
        return;
    }
    wait_ms = (deadlines->earliest->at_us - deadline_now_us() + 999) / 1000;
    if (wait_ms < 0)
        wait_ms = 0;
    if (wait_ms > LONGEST_SLEEP_MS)
        wait_ms = LONGEST_SLEEP_MS;
    (void)uv_timer_start(&deadlines->timer, on_timer, (uint64_t)wait_ms, 0); /* fails only for a closing handle */
}

int deadlines_open(struct deadlines *deadlines, uv_loop_t *loop, struct hd_error *error)
{
    *deadlines = (struct deadlines){0};
    if (uv_timer_init(loop, &deadlines->timer) != 0)
        return hd_error_set(error, HD_UNAVAILABLE, "cannot make a timer");
    deadlines->timer.data = deadlines;
    return 0;
}

static void on_closed(uv_handle_t *timer)
{
    struct deadlines *deadlines = timer->data;

    deadlines->closed(deadlines->closed_data);
}

void deadlines_close(struct deadlines *deadlines, void (*closed)(void *data), void *data)
{
    deadlines->closed = closed;
    deadlines->closed_data = data;
    uv_close((uv_handle_t *)&deadlines->timer, on_closed);
}

void deadline_set(struct deadlines *deadlines, struct deadline *deadline, int64_t at_us)
{
    deadline_clear(deadlines, deadline);
    deadline->at_us = at_us;
    put(deadlines, deadline);
    arm(deadlines);
}

void deadline_set_again(struct deadlines *deadlines, struct deadline *deadline)
{
    deadline_set(deadlines, deadline, deadline_now_us() + AGAIN_US);
}

bool deadline_is_set(const struct deadline *deadline)
{
    return deadline->link != NULL;
}

void deadline_clear(struct deadlines *deadlines, struct deadline *deadline)
{
    if (deadline_is_set(deadline))
        take_out(deadlines, deadline);
}
