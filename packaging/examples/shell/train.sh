#!/bin/sh
# Fits a line to noisy points by gradient descent in awk, and reports the error after every epoch with `hyperdrive report`.
#
#     ./train.sh --learning_rate 0.3 --momentum 0.5    # by hand: nothing is reported
#     hyperdrive submit --watch sweep.json             # as a sweep
set -eu

learning_rate=0.1 momentum=0 epochs=5
while [ $# -ge 2 ]; do
  case $1 in
    --learning_rate) learning_rate=$2 ;;
    --momentum) momentum=$2 ;;
    --epochs) epochs=$2 ;;
    *) echo "train.sh: there is no option $1" >&2 && exit 2 ;;
  esac
  shift 2
done

# One epoch: takes slope, intercept and their velocities, and prints the error and the four new values.
train_epoch() {
  awk -v rate="$learning_rate" -v momentum="$momentum" -v slope="$1" -v intercept="$2" -v slope_speed="$3" -v intercept_speed="$4" '
    BEGIN {
      srand(1)
      for (i = 0; i < 200; i++) {
        x = i / 100 - 1
        y = 3 * x + 1 + (rand() - 0.5) / 5
        error = slope * x + intercept - y
        sum += error * error
        slope_gradient += 2 * error * x / 200
        intercept_gradient += 2 * error / 200
      }
      slope_speed = momentum * slope_speed - rate * slope_gradient
      intercept_speed = momentum * intercept_speed - rate * intercept_gradient
      printf "%.9g %.9g %.9g %.9g %.9g\n", sum / 200, slope + slope_speed, intercept + intercept_speed, slope_speed, intercept_speed
    }'
}

state="0 0 0 0"
epoch=0
while [ "$epoch" -lt "$epochs" ]; do
  epoch=$((epoch + 1))
  # shellcheck disable=SC2086 # four words
  result=$(train_epoch $state)
  error=${result%% *}
  state=${result#* }
  echo "epoch $epoch: error $error"
  if [ -n "${HYPERDRIVE_RUN_ID:-}" ]; then
    # A report that fails does not end the training.
    hyperdrive report --step "$epoch" "error=$error" || echo "the error of epoch $epoch was not reported" >&2
  fi
done
