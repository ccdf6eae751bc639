#include "tuning_problems.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int tuning_read(const cJSON *configuration, double *ret_x, int most)
{
    int count = 0;
    for (const cJSON *item = configuration->child; item != NULL && count < most; item = item->next) {
        if (cJSON_IsObject(item))
            count += tuning_read(item, ret_x + count, most - count);
        else
            ret_x[count++] = cJSON_IsString(item) ? atof(item->valuestring + 1) : item->valuedouble; /* options are named o0, o1, ... */
    }
    return count;
}

/* Surjanovic and Bingham, "Virtual Library of Simulation Experiments", has the functions and where they come from. */

static double branin(const double *x)
{
    double a = x[1] - 5.1 / (4 * M_PI * M_PI) * x[0] * x[0] + 5 / M_PI * x[0] - 6;
    return a * a + 10 * (1 - 1 / (8 * M_PI)) * cos(x[0]) + 10;
}

static double goldstein_price(const double *x)
{
    double a = x[0], b = x[1], sum = a + b + 1, difference = 2 * a - 3 * b;
    return (1 + sum * sum * (19 - 14 * a + 3 * a * a - 14 * b + 6 * a * b + 3 * b * b)) *
           (30 + difference * difference * (18 - 32 * a + 12 * a * a + 48 * b - 36 * a * b + 27 * b * b));
}

static double six_hump_camel(const double *x)
{
    return (4 - 2.1 * x[0] * x[0] + pow(x[0], 4) / 3) * x[0] * x[0] + x[0] * x[1] + (-4 + 4 * x[1] * x[1]) * x[1] * x[1];
}

static double hartmann(const double *x, int count, const double (*scale)[6], const double (*place)[6])
{
    static const double HEIGHTS[4] = {1.0, 1.2, 3.0, 3.2};
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        double inner = 0;
        for (int j = 0; j < count; j++)
            inner += scale[i][j] * (x[j] - place[i][j]) * (x[j] - place[i][j]);
        sum -= HEIGHTS[i] * exp(-inner);
    }
    return sum;
}

static double hartmann_3(const double *x)
{
    static const double SCALE[4][6] = {{3, 10, 30}, {0.1, 10, 35}, {3, 10, 30}, {0.1, 10, 35}};
    static const double PLACE[4][6] = {
        {0.3689, 0.1170, 0.2673}, {0.4699, 0.4387, 0.7470}, {0.1091, 0.8732, 0.5547}, {0.0381, 0.5743, 0.8828}};
    return hartmann(x, 3, SCALE, PLACE);
}

static double hartmann_6(const double *x)
{
    static const double SCALE[4][6] = {
        {10, 3, 17, 3.5, 1.7, 8}, {0.05, 10, 17, 0.1, 8, 14}, {3, 3.5, 1.7, 10, 17, 8}, {17, 8, 0.05, 10, 0.1, 14}};
    static const double PLACE[4][6] = {{0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886},
                                       {0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991},
                                       {0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650},
                                       {0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381}};
    return hartmann(x, 6, SCALE, PLACE);
}

static double rosenbrock(const double *x, int count)
{
    double sum = 0;
    for (int i = 0; i + 1 < count; i++)
        sum += 100 * (x[i + 1] - x[i] * x[i]) * (x[i + 1] - x[i] * x[i]) + (x[i] - 1) * (x[i] - 1);
    return sum;
}

static double rosenbrock_4(const double *x)
{
    return rosenbrock(x, 4);
}

static double ackley(const double *x, int count)
{
    double squares = 0, waves = 0;
    for (int i = 0; i < count; i++) {
        squares += (x[i] - 0.7) * (x[i] - 0.7); /* the least value is not at the centre of the space */
        waves += cos(2 * M_PI * (x[i] - 0.7));
    }
    return -20 * exp(-0.2 * sqrt(squares / count)) - exp(waves / count) + 20 + M_E;
}

static double ackley_5(const double *x)
{
    return ackley(x, 5);
}

static double levy(const double *x, int count)
{
    double first = 1 + (x[0] - 1) / 4, last = 1 + (x[count - 1] - 1) / 4, sum = sin(M_PI * first) * sin(M_PI * first);
    for (int i = 0; i + 1 < count; i++) {
        double w = 1 + (x[i] - 1) / 4;
        sum += (w - 1) * (w - 1) * (1 + 10 * sin(M_PI * w + 1) * sin(M_PI * w + 1));
    }
    return sum + (last - 1) * (last - 1) * (1 + sin(2 * M_PI * last) * sin(2 * M_PI * last));
}

static double levy_12(const double *x)
{
    return levy(x, 12);
}

static double styblinski_tang_4(const double *x)
{
    double sum = 0;
    for (int i = 0; i < 4; i++)
        sum += (pow(x[i], 4) - 16 * x[i] * x[i] + 5 * x[i]) / 2;
    return sum;
}

/* As a training goes: a learning rate and a weight decay with a good decade each, a momentum near 1; too large a rate costs much. */
static double training(double rate, double decay, double momentum)
{
    double at_rate = log10(rate) + 2.4 - 0.3 * log10(1 - momentum), at_decay = log10(decay) + 4.1, at_momentum = momentum - 0.9;
    double loss = 0.05 + 0.12 * at_rate * at_rate + 0.01 * at_decay * at_decay + 1.5 * at_momentum * at_momentum;
    return loss + (at_rate > 0.8 ? 2 * (at_rate - 0.8) : 0);
}

static double training_log(const double *x)
{
    return training(x[0], x[1], x[2]);
}

/* optimizer (3), activation (4), layers 1..8, width by 16, rate, dropout */
static double training_mixed(const double *x)
{
    static const double OPTIMIZERS[3] = {0, 0.04, 0.15}, SHIFTS[3] = {0, -0.7, 0.5}, ACTIVATIONS[4] = {0.03, 0, 0.08, 0.02};
    int optimizer = (int)x[0], activation = (int)x[1];
    double layers = x[2] + 1, width = log2(x[3]) - 7.2, rate = log10(x[4]) + 3 + SHIFTS[optimizer], dropout = x[5] - 0.2 - 0.02 * layers;
    return 0.1 + OPTIMIZERS[optimizer] + ACTIVATIONS[activation] + 0.006 * (layers - 4) * (layers - 4) + 0.02 * width * width +
           0.08 * rate * rate + 0.6 * dropout * dropout;
}

/* A choice between two models that have hyperparameters of their own. */
static double training_branches(const double *x)
{
    if (x[0] == 0) { /* trees: depth, rate */
        double rate = log10(x[2]) + 1.2;
        return 0.22 + 0.004 * (x[1] - 6) * (x[1] - 6) + 0.05 * rate * rate;
    }
    double c = log10(x[1]) - 1.1, gamma = log10(x[2]) + 2.3; /* a support vector machine: C, gamma */
    return 0.20 + 0.03 * c * c + 0.06 * gamma * gamma + 0.02 * c * gamma;
}

/* A preparation of the data (3), and one of three models with hyperparameters of their own, some of which have more below them. */
static double training_pipeline(const double *x)
{
    static const double SCALES[3] = {0.08, 0, 0.02}, ACTIVATIONS[3] = {0.02, 0, 0.05};
    double scale = SCALES[(int)x[0]];
    if (x[1] == 0) { /* linear: C */
        double c = log10(x[2]) - 0.5;
        return 0.3 + scale + 0.02 * c * c;
    }
    if (x[1] == 1) { /* trees: depth, rate, sampled or not, share */
        double rate = log10(x[3]) + 1.4, share = x[4] == 0 ? 0 : x[5] - 0.72;
        return 0.14 + 0.003 * (x[2] - 7) * (x[2] - 7) + 0.04 * rate * rate + (x[4] == 0 ? 0.02 : 0.15 * share * share);
    }
    double rate = log10(x[3]) + 2.7, decay = log10(x[4]) + 4; /* a network: layers, rate, decay, activation */
    return 0.1 + 2 * scale + 0.01 * (x[2] - 2) * (x[2] - 2) + 0.06 * rate * rate + 0.008 * decay * decay + ACTIVATIONS[(int)x[5]];
}

/* Errors among 360 examples: steps, many trials that are equal, and half of the space no better than chance.
 * activation (3), layers 1..6, units by 8, rate, dropout */
static double training_steps(const double *x)
{
    static const double ACTIVATIONS[3] = {0.01, 0, 0.06}, EXAMPLES = 360, CHANCE = 0.9;
    double layers = x[1] - 2, units = log2(x[2]) - 6.6, rate = log10(x[3]) + 2.6 + 0.2 * layers, dropout = x[4] - 0.25;
    double loss =
        0.05 + ACTIVATIONS[(int)x[0]] + 0.008 * layers * layers + 0.01 * units * units + 0.15 * rate * rate + 0.3 * dropout * dropout;
    return rint(fmin(loss, CHANCE) * EXAMPLES) / EXAMPLES;
}

/* --- With many hollows -------------------------------------------------------------------------------------------------------------------
 */

static double drop_wave(const double *x)
{
    double a = x[0] - 1.1, b = x[1] + 0.6, square = a * a + b * b; /* as ackley: not at the centre */
    return -(1 + cos(12 * sqrt(square))) / (0.5 * square + 2);
}

static double rastrigin_4(const double *x)
{
    static const double PLACE[4] = {0.8, -1.3, 2.1, -0.4};
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        double from = x[i] - PLACE[i];
        sum += 10 + from * from - 10 * cos(2 * M_PI * from);
    }
    return sum;
}

static double schwefel_3(const double *x)
{
    double sum = 0;
    for (int i = 0; i < 3; i++)
        sum += 418.98288727243380 - x[i] * sin(sqrt(fabs(x[i])));
    return sum;
}

static double michalewicz_5(const double *x)
{
    double sum = 0;
    for (int i = 0; i < 5; i++)
        sum -= sin(x[i]) * pow(sin((i + 1) * x[i] * x[i] / M_PI), 20);
    return sum;
}

static double shekel_4(const double *x)
{
    static const double WIDTHS[10] = {0.1, 0.2, 0.2, 0.4, 0.4, 0.6, 0.3, 0.7, 0.5, 0.5};
    static const double PLACES[10][4] = {{4, 4, 4, 4}, {1, 1, 1, 1}, {8, 8, 8, 8}, {6, 6, 6, 6}, {3, 7, 3, 7},
                                         {2, 9, 2, 9}, {5, 3, 5, 3}, {8, 1, 8, 1}, {6, 2, 6, 2}, {7, 3.6, 7, 3.6}};
    double sum = 0;
    for (int i = 0; i < 10; i++) {
        double inner = WIDTHS[i];
        for (int j = 0; j < 4; j++)
            inner += (x[j] - PLACES[i][j]) * (x[j] - PLACES[i][j]);
        sum -= 1 / inner;
    }
    return sum;
}

static double griewank_6(const double *x)
{
    double sum = 1, product = 1;
    for (int i = 0; i < 6; i++) {
        double from = x[i] - 70 + 25 * i;
        sum += from * from / 4000;
        product *= cos(from / sqrt(i + 1));
    }
    return sum - product;
}

static double levy_integers(const double *x)
{
    return levy(x, 6);
}

/* Three of twelve hyperparameters count. */
static double hartmann_3_of_12(const double *x)
{
    const double active[3] = {x[2], x[5], x[10]};
    return hartmann_3(active);
}

#define UNIT            "{\"type\":\"uniform\",\"min_value\":0,\"max_value\":1}"
#define WIDE(low, high) "{\"type\":\"uniform\",\"min_value\":" #low ",\"max_value\":" #high "}"
#define LOG(low, high)  "{\"type\":\"loguniform\",\"min_value\":" #low ",\"max_value\":" #high "}"
#define TRAINING_MIXED                                                                                                                     \
    "{\"optimizer\":[\"choice\",[[\"o0\",\"o1\",\"o2\"]]],\"activation\":[\"choice\",[[\"o0\",\"o1\",\"o2\",\"o3\"]]],"                    \
    "\"layers\":[\"randint\",[8]],\"width\":[\"quniform\",[16,512,16]],\"rate\":" LOG(-12, -1) ",\"dropout\":" WIDE(0, 0.6) "}"

const struct tuning_problem TUNING_PROBLEMS[] = {
    {"branin", "continuous", "{\"a\":" WIDE(-5, 10) ",\"b\":" WIDE(0, 15) "}", branin, 0.39788735772973816, 0},
    {"goldstein_price", "continuous", "{\"a\":" WIDE(-2, 2) ",\"b\":" WIDE(-2, 2) "}", goldstein_price, 3, 0},
    {"six_hump_camel", "continuous", "{\"a\":" WIDE(-3, 3) ",\"b\":" WIDE(-2, 2) "}", six_hump_camel, -1.0316284534898774, 0},
    {"hartmann_3", "continuous", "{\"a\":" UNIT ",\"b\":" UNIT ",\"c\":" UNIT "}", hartmann_3, -3.86278214782076, 0},
    {"rosenbrock_4", "continuous", "{\"a\":" WIDE(-5, 10) ",\"b\":" WIDE(-5, 10) ",\"c\":" WIDE(-5, 10) ",\"d\":" WIDE(-5, 10) "}",
     rosenbrock_4, 0, 0},
    {"styblinski_tang_4", "continuous", "{\"a\":" WIDE(-5, 5) ",\"b\":" WIDE(-5, 5) ",\"c\":" WIDE(-5, 5) ",\"d\":" WIDE(-5, 5) "}",
     styblinski_tang_4, -156.66466281508445, 0},
    {"ackley_5", "continuous",
     "{\"a\":" WIDE(-10, 10) ",\"b\":" WIDE(-10, 10) ",\"c\":" WIDE(-10, 10) ",\"d\":" WIDE(-10, 10) ",\"e\":" WIDE(-10, 10) "}", ackley_5,
     0, 0},
    {"hartmann_6", "continuous", "{\"a\":" UNIT ",\"b\":" UNIT ",\"c\":" UNIT ",\"d\":" UNIT ",\"e\":" UNIT ",\"f\":" UNIT "}", hartmann_6,
     -3.3223680114155147, 0},
    {"levy_12", "continuous",
     "{\"a\":" WIDE(-10, 10) ",\"b\":" WIDE(-10, 10) ",\"c\":" WIDE(-10, 10) ",\"d\":" WIDE(-10, 10) ",\"e\":" WIDE(-10, 10) ",\"f\":" WIDE(
         -10, 10) ",\"g\":" WIDE(-10, 10) ",\"h\":" WIDE(-10, 10) ",\"i\":" WIDE(-10,
                                                                                 10) ",\"j\":" WIDE(-10,
                                                                                                    10) ",\"k\":" WIDE(-10,
                                                                                                                       10) ","
                                                                                                                           "\"l\":" WIDE(
                                                                                                                               -10, 10) "}",
     levy_12, 0, 0},
    {"training_log", "log", "{\"rate\":" LOG(-12, 0) ",\"decay\":" LOG(-16, -2) ",\"momentum\":" WIDE(0, 0.99) "}", training_log, 0.05, 0},
    {"training_mixed", "mixed", TRAINING_MIXED, training_mixed, 0.1, 0},
    {"training_branches", "mixed",
     "{\"model\":[\"choice\",[[{\"name\":\"o0\",\"depth\":[\"quniform\",[1,12,1]],\"rate\":" LOG(
         -7, 0) "},"
                "{\"name\":\"o1\",\"c\":" LOG(-5, 10) ",\"gamma\":" LOG(-12, 2) "}]]]}",
     training_branches, 0.2, 0},
    {"hartmann_6_noisy", "noisy", "{\"a\":" UNIT ",\"b\":" UNIT ",\"c\":" UNIT ",\"d\":" UNIT ",\"e\":" UNIT ",\"f\":" UNIT "}", hartmann_6,
     -3.3223680114155147, 0.1},
    {"branin_noisy", "noisy", "{\"a\":" WIDE(-5, 10) ",\"b\":" WIDE(0, 15) "}", branin, 0.39788735772973816, 3},
    {"drop_wave", "continuous", "{\"a\":" WIDE(-5, 5) ",\"b\":" WIDE(-5, 5) "}", drop_wave, -1, 0},
    {"rastrigin_4", "continuous", "{\"a\":" WIDE(-5, 5) ",\"b\":" WIDE(-5, 5) ",\"c\":" WIDE(-5, 5) ",\"d\":" WIDE(-5, 5) "}", rastrigin_4,
     0, 0},
    {"schwefel_3", "continuous", "{\"a\":" WIDE(-500, 500) ",\"b\":" WIDE(-500, 500) ",\"c\":" WIDE(-500, 500) "}", schwefel_3, 0, 0},
    {"michalewicz_5", "continuous",
     "{\"a\":" WIDE(0, 3.141592653589793) ",\"b\":" WIDE(0, 3.141592653589793) ",\"c\":" WIDE(0, 3.141592653589793) ",\"d\":" WIDE(
         0, 3.141592653589793) ",\"e\":" WIDE(0, 3.141592653589793) "}",
     michalewicz_5, -4.687658179088148, 0},
    {"shekel_4", "continuous", "{\"a\":" WIDE(0, 10) ",\"b\":" WIDE(0, 10) ",\"c\":" WIDE(0, 10) ",\"d\":" WIDE(0, 10) "}", shekel_4,
     -10.53644315348353, 0},
    {"griewank_6", "continuous",
     "{\"a\":" WIDE(-600, 600) ",\"b\":" WIDE(-600, 600) ",\"c\":" WIDE(-600, 600) ",\"d\":" WIDE(-600, 600) ",\"e\":" WIDE(
         -600, 600) ",\"f\":" WIDE(-600, 600) "}",
     griewank_6, 0, 0},
    {"hartmann_3_of_12", "continuous",
     "{\"a\":" UNIT ",\"b\":" UNIT ",\"c\":" UNIT ",\"d\":" UNIT ",\"e\":" UNIT ",\"f\":" UNIT ",\"g\":" UNIT ",\"h\":" UNIT ",\"i\":" UNIT
     ",\"j\":" UNIT ",\"k\":" UNIT ",\"l\":" UNIT "}",
     hartmann_3_of_12, -3.86278214782076, 0},
    {"levy_integers", "mixed",
     "{\"a\":[\"quniform\",[-10,10,1]],\"b\":[\"quniform\",[-10,10,1]],\"c\":[\"quniform\",[-10,10,1]],\"d\":" WIDE(-10, 10) ",\"e\":" WIDE(
         -10, 10) ",\"f\":" WIDE(-10, 10) "}",
     levy_integers, 0, 0},
    {"training_pipeline", "mixed",
     "{\"scale\":[\"choice\",[[\"o0\",\"o1\",\"o2\"]]],\"model\":[\"choice\",[[{\"name\":\"o0\",\"c\":" LOG(
         -5, 10) "},"
                 "{\"name\":\"o1\",\"depth\":[\"quniform\",[1,12,1]],\"rate\":" LOG(
                     -7, 0) ",\"sampling\":[\"choice\",[[\"o0\","
                            "{\"name\":\"o1\",\"share\":" WIDE(
                                0.3, 1) "}]]]},"
                                        "{\"name\":\"o2\",\"layers\":[\"randint\",[5]],\"rate\":" LOG(-12, 0) ",\"decay\":" LOG(
                                            -14, -2) ","
                                                     "\"activation\":[\"choice\",[[\"o0\",\"o1\",\"o2\"]]]}]]]}",
     training_pipeline, 0.1, 0},
    {"training_steps", "mixed",
     "{\"activation\":[\"choice\",[[\"o0\",\"o1\",\"o2\"]]],\"layers\":[\"randint\",[6]],\"units\":[\"quniform\",[8,256,8]],\"rate\":" LOG(
         -12, 0) ",\"dropout\":" WIDE(0, 0.7) "}",
     training_steps, 0.05, 0},
    {"training_mixed_noisy", "noisy", TRAINING_MIXED, training_mixed, 0.1, 0.03},
};
const int TUNING_PROBLEM_COUNT = sizeof TUNING_PROBLEMS / sizeof *TUNING_PROBLEMS;
