/* The loops of vector.c, once for each kind of processor: whoever includes this defines NAME(x) and TARGET. Four lanes, whatever the
 * processor has: the compiler makes of them what it can. */

TARGET static double NAME(dot)(const double *a, const double *b, size_t count)
{
    lanes first = {0}, second = {0};
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        first += LOAD(a + i) * LOAD(b + i);
        second += LOAD(a + i + 4) * LOAD(b + i + 4);
    }
    first += second;
    double sum = (first[0] + first[1]) + (first[2] + first[3]);
    for (; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

TARGET static void NAME(dot_four)(const double *a, const double *const b[4], size_t count, double ret_sums[4])
{
    lanes sums[4] = {{0}};
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        lanes shared = LOAD(a + i);
        sums[0] += shared * LOAD(b[0] + i);
        sums[1] += shared * LOAD(b[1] + i);
        sums[2] += shared * LOAD(b[2] + i);
        sums[3] += shared * LOAD(b[3] + i);
    }
    for (int k = 0; k < 4; k++) {
        double sum = (sums[k][0] + sums[k][1]) + (sums[k][2] + sums[k][3]);
        for (size_t rest = i; rest < count; rest++)
            sum += a[rest] * b[k][rest];
        ret_sums[k] = sum;
    }
}

TARGET static void NAME(add)(double *y, double factor, const double *x, size_t count)
{
    size_t i = 0;
    for (; i + 4 <= count; i += 4)
        STORE(y + i, LOAD(y + i) + factor * LOAD(x + i));
    for (; i < count; i++)
        y[i] += factor * x[i];
}

TARGET static void NAME(add_squares)(double *y, double factor, const double *x, double origin, size_t count)
{
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        lanes difference = LOAD(x + i) - origin;
        STORE(y + i, LOAD(y + i) + factor * (difference * difference));
    }
    for (; i < count; i++)
        y[i] += factor * ((x[i] - origin) * (x[i] - origin));
}

TARGET static void NAME(add_unequal)(double *y, double factor, const double *x, double value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] += x[i] != value ? factor : 0;
}

TARGET static double NAME(sum_squares)(const double *weights, const double *x, double origin, size_t count)
{
    lanes sums = {0};
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        lanes difference = LOAD(x + i) - origin;
        sums += LOAD(weights + i) * (difference * difference);
    }
    double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (; i < count; i++)
        sum += weights[i] * ((x[i] - origin) * (x[i] - origin));
    return sum;
}

TARGET static double NAME(sum_unequal)(const double *weights, const double *x, double value, size_t count)
{
    double sums[2] = {0, 0};
    for (size_t i = 0; i < count; i++)
        sums[i & 1] += x[i] != value ? weights[i] : 0;
    return sums[0] + sums[1];
}

TARGET static void NAME(add_hills)(double *y, double height, double factor, const double *x, double origin, size_t count)
{
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        lanes difference = LOAD(x + i) - origin;
        STORE(y + i, LOAD(y + i) + height / (1 + factor * (difference * difference)));
    }
    for (; i < count; i++)
        y[i] += height / (1 + factor * ((x[i] - origin) * (x[i] - origin)));
}

TARGET static double NAME(sum_hill_widths)(const double *weights, double factor, const double *x, double origin, size_t count)
{
    lanes sums = {0};
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        lanes difference = LOAD(x + i) - origin, square = difference * difference, below = 1 + factor * square;
        sums += LOAD(weights + i) * square / (below * below);
    }
    double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (; i < count; i++) {
        double square = (x[i] - origin) * (x[i] - origin), below = 1 + factor * square;
        sum += weights[i] * square / (below * below);
    }
    return sum;
}

TARGET static double NAME(sum_hill_slopes)(const double *weights, double factor, const double *x, double origin, size_t count)
{
    lanes sums = {0};
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        lanes difference = LOAD(x + i) - origin, below = 1 + factor * (difference * difference);
        sums += LOAD(weights + i) * difference / (below * below);
    }
    double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (; i < count; i++) {
        double below = 1 + factor * ((x[i] - origin) * (x[i] - origin));
        sum += weights[i] * (x[i] - origin) / (below * below);
    }
    return sum;
}
