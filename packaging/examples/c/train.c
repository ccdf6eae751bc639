/* Trains a logistic regression that tells points inside a ring from points outside of it, and reports its accuracy after every epoch.
 *
 *     cc -O2 -o train train.c $(pkg-config --cflags --libs hyperdrive) -lm
 *     ./train --learning_rate 0.5 --batch_size 16          # by hand: nothing is reported
 *     hyperdrive submit --watch sweep.json                 # as a sweep */
#include <hyperdrive/hyperdrive.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 4000, TRAINING = 3000, FEATURES = 6 };

struct point {
    double features[FEATURES];
    int inside;
};

struct options {
    double learning_rate, l2;
    int batch_size, epochs;
};

/* The same data on every machine. */
static double uniform(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 11) / 9007199254740992.0;
}

/* Every twentieth label is wrong, so that no model is perfect. */
static void make_points(struct point *points)
{
    uint64_t state = 1797;

    for (int i = 0; i < POINTS; i++) {
        double x = 2 * uniform(&state) - 1, y = 2 * uniform(&state) - 1;
        struct point point = {{1, x, y, x * x, y * y, x * y}, (x - 0.2) * (x - 0.2) + y * y < 0.4};

        if (uniform(&state) < 0.05) {
            point.inside = !point.inside;
        }
        points[i] = point;
    }
}

static double probability(const double *weights, const struct point *point)
{
    double sum = 0;

    for (int i = 0; i < FEATURES; i++) {
        sum += weights[i] * point->features[i];
    }
    return 1 / (1 + exp(-sum));
}

/* One pass over the training points; returns the mean loss on the way. */
static double train_epoch(double *weights, const struct point *points, const struct options *options)
{
    double loss = 0;

    for (int start = 0; start < TRAINING; start += options->batch_size) {
        int end = start + options->batch_size < TRAINING ? start + options->batch_size : TRAINING;
        double gradient[FEATURES] = {0};

        for (int i = start; i < end; i++) {
            double guess = probability(weights, &points[i]);

            loss -= log(fmax(points[i].inside ? guess : 1 - guess, 1e-300));
            for (int j = 0; j < FEATURES; j++) {
                gradient[j] += (guess - points[i].inside) * points[i].features[j];
            }
        }
        for (int j = 0; j < FEATURES; j++) {
            weights[j] -= options->learning_rate * (gradient[j] / (end - start) + options->l2 * weights[j]);
        }
    }
    return loss / TRAINING;
}

static double accuracy(const double *weights, const struct point *points)
{
    int right = 0;

    for (int i = TRAINING; i < POINTS; i++) {
        right += (probability(weights, &points[i]) > 0.5) == points[i].inside;
    }
    return (double)right / (POINTS - TRAINING);
}

static int read_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--learning_rate") == 0) {
            options->learning_rate = strtod(argv[i + 1], NULL);
        } else if (strcmp(argv[i], "--l2") == 0) {
            options->l2 = strtod(argv[i + 1], NULL);
        } else if (strcmp(argv[i], "--batch_size") == 0) {
            options->batch_size = atoi(argv[i + 1]);
        } else if (strcmp(argv[i], "--epochs") == 0) {
            options->epochs = atoi(argv[i + 1]);
        } else {
            fprintf(stderr, "train: there is no option %s\n", argv[i]);
            return -1;
        }
    }
    if (argc % 2 == 0 || options->batch_size < 1) {
        fprintf(stderr, "train: every option needs a value, and --batch_size one above 0\n");
        return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct point points[POINTS];
    struct options options = {.learning_rate = 0.1, .l2 = 0, .batch_size = 32, .epochs = 20};
    double weights[FEATURES] = {0};
    struct hd_reporter *reporter;

    if (read_options(argc, argv, &options) < 0) {
        return 2;
    }
    make_points(points);
    reporter = hd_open();
    hd_report_integer(reporter, "training_points", TRAINING, HD_NO_STEP);
    for (int epoch = 1; epoch <= options.epochs && !hd_should_stop(reporter); epoch++) {
        double loss = train_epoch(weights, points, &options), right = accuracy(weights, points);

        printf("epoch %d: accuracy %.4f, training loss %.4f\n", epoch, right, loss);
        hd_report(reporter, "accuracy", right, epoch);
        hd_report(reporter, "training_loss", loss, epoch);
    }
    hd_report_list(reporter, "weights", weights, FEATURES, HD_NO_STEP);
    hd_close(reporter);
    return 0;
}
