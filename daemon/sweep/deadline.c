#include "deadline.h"

#include <stdlib.h>
#include <time.h>

/* The timer's clock does not follow corrections of the wall clock, so it looks again at least this often. */
enum { LONGEST_SLEEP_MS = 10000 };

int64_t deadline_now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void put(struct deadlines *deadlines, size_t place, struct deadline *deadline)
{
    deadlines->heap[place] = deadline;
    deadline->place = place;
}

static void sift_up(struct deadlines *deadlines, size_t place)
{
    struct deadline *moving = deadlines->heap[place];

    for (; place > 1 && deadlines->heap[place / 2]->at_us > moving->at_us; place /= 2)
        put(deadlines, place, deadlines->heap[place / 2]);
    put(deadlines, place, moving);
}

static void sift_down(struct deadlines *deadlines, size_t place)
{
    struct deadline *moving = deadlines->heap[place];

    for (;;) {
        size_t child = place * 2;

        if (child > deadlines->count)
            break;
        if (child < deadlines->count && deadlines->heap[child + 1]->at_us < deadlines->heap[child]->at_us)
            child++;
        if (deadlines->heap[child]->at_us >= moving->at_us)
            break;
        put(deadlines, place, deadlines->heap[child]);
        place = child;
    }
    put(deadlines, place, moving);
}

static void take_out(struct deadlines *deadlines, struct deadline *deadline)
{
    size_t place = deadline->place;
    struct deadline *last = deadlines->heap[deadlines->count--];

    deadline->place = 0;
    if (last == deadline)
        return;
    put(deadlines, place, last);
    sift_up(deadlines, place);
    sift_down(deadlines, last->place);
}

static void arm(struct deadlines *deadlines);

static void on_timer(uv_timer_t *timer)
{
    struct deadlines *deadlines = timer->data;
    int64_t now = deadline_now_us();

    while (deadlines->count > 0 && deadlines->heap[1]->at_us <= now) {
        struct deadline *deadline = deadlines->heap[1];

        take_out(deadlines, deadline);
        deadline->reached(deadline);
    }
    arm(deadlines);
}

static void arm(struct deadlines *deadlines)
{
    int64_t wait_ms;

    if (deadlines->count == 0) {
        (void)uv_timer_stop(&deadlines->timer);
        return;
    }
    wait_ms = (deadlines->heap[1]->at_us - deadline_now_us() + 999) / 1000;
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

    for (size_t place = 1; place <= deadlines->count; place++)
        deadlines->heap[place]->place = 0; /* their objects live on */
    free(deadlines->heap);
    deadlines->heap = NULL;
    deadlines->count = deadlines->capacity = 0;
    deadlines->closed(deadlines->closed_data);
}

void deadlines_close(struct deadlines *deadlines, void (*closed)(void *data), void *data)
{
    deadlines->closed = closed;
    deadlines->closed_data = data;
    uv_close((uv_handle_t *)&deadlines->timer, on_closed);
}

bool deadline_set(struct deadlines *deadlines, struct deadline *deadline, int64_t at_us)
{
    if (deadline->place != 0)
        take_out(deadlines, deadline);
    if (deadlines->count + 2 > deadlines->capacity) {
        size_t capacity = deadlines->capacity == 0 ? 64 : deadlines->capacity * 2;
        struct deadline **heap = realloc(deadlines->heap, capacity * sizeof *heap);

        if (heap == NULL)
            return false;
        deadlines->heap = heap;
        deadlines->capacity = capacity;
    }
    deadline->at_us = at_us;
    put(deadlines, ++deadlines->count, deadline);
    sift_up(deadlines, deadlines->count);
    arm(deadlines);
    return true;
}

void deadline_clear(struct deadlines *deadlines, struct deadline *deadline)
{
    if (deadline->place != 0)
        take_out(deadlines, deadline);
}
