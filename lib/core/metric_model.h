/* Fits a Gaussian process to metrics: its length scales, its noise, and the scale on which the metrics are. For lib/core only. */
#ifndef HD_CORE_METRIC_MODEL_H
#define HD_CORE_METRIC_MODEL_H

#include "gaussian_process.h"
#include "metric_scale.h"

/* `metrics` are those of the process's points. The process is then a model of them on *ret_scale. False when memory is short, or no
 * parameters give a model. */
bool metric_model_fit(struct gaussian_process *process, enum hd_goal goal, const double *metrics, struct metric_scale *ret_scale);

#endif
