echo "hello $*" && echo "$*" > outputs/said
