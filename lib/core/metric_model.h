/* Fits a Gaussian process to metrics: its length scales, its noise, and the scale on which the metrics are. For lib/core only. */
#ifndef HD_CORE_METRIC_MODEL_H
#define HD_CORE_METRIC_MODEL_H

#include "gaussian_process.h"
#include "metric_scale.h"

/* `metrics` are those of the process's points; with `straight` their scale is not bent, whatever suits them best. 0: the process is a model
 * of them on *ret_scale; 1: no parameters give a model; -1: memory is short. */
int metric_model_fit(struct gaussian_process *process, enum hd_goal goal, const double *metrics, bool straight,
                     struct metric_scale *ret_scale);

#endif
