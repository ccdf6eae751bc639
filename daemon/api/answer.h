/* Answers that may be large: written on the pool inside one snapshot of the store, in memory while they are small, then to an unlinked file
 * that the server sends from. So a slow client pins neither memory nor the database's log, and the answer is one state (decisions,
 * Threads). */
#ifndef HYPERDRIVED_API_ANSWER_H
#define HYPERDRIVED_API_ANSWER_H

#include "api.h"
#include "gzip.h"

enum { ANSWER_TAG_SIZE = 40 };

struct answer_question {
    int64_t sweep, run; /* keys */
    bool reverse, discard_no_metric, form_list;
    int64_t top, from;
    bool points;
    bool without_store;          /* the producer asks it nothing: its reader is NULL, and the answer comes also while the store fails */
    bool tagged;                 /* an answer in memory is named by its bytes, and not sent to who has it */
    const char *id, *experiment; /* the request's own */
    enum hd_status status;
    int64_t limit, after; /* of pages */
};

struct answer {
    struct hd_text text; /* what is not in the file yet: append here, then call answer_flush() */
    const struct answer_question *question;
    const char *content_type; /* static; JSON unless the producer says otherwise */
    struct api *api;
    char tag[ANSWER_TAG_SIZE]; /* "": none */
    bool prefers_gzip;         /* the client */
    bool gzipped;              /* what is in the file, or at the end in `text` */
    struct gzip gzip;
    int file; /* -1: none yet */
    int64_t file_length;
    struct hd_error *error;
};

/* Writes the text to the file if there is enough of it. 0, or negative with answer->error. */
int answer_flush(struct answer *answer);

/* Ends the object of a page of a list with `"next":LAST}`, null when there is no more. */
void answer_end_page(struct answer *answer, bool more, int64_t last);

/* On the pool: everything goes into the answer. 0, or negative with answer->error. */
typedef int answer_producer(struct answer *answer, struct store_reader *reader);
void answer_start(struct http_request *request, struct api *api, answer_producer *producer, const struct answer_question *question);

#endif
