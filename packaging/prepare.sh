# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # build_packages is for those who source this; they set $root
# What quickstart and tests/run share: the Debian packages that a build needs, and installing those that are missing.

# A choice `a|b` is met by either; the first one is installed. (The flavours of libcurl's headers exclude each other.)
build_packages=(gcc libc6-dev 'pkgconf|pkg-config' meson ninja-build python3 libuv1-dev libsqlite3-dev libmicrohttpd-dev libgnutls28-dev libcjson-dev
  libsodium-dev 'libcurl4-gnutls-dev|libcurl4-openssl-dev|libcurl4-nss-dev' libyaml-dev zlib1g-dev)

# fail SENTENCE: the one way out when a step fails.
fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Prints the packages of "$@" that are not there.
missing_packages() {
  local choice name
  for choice in "$@"; do
    local names=()
    IFS='|' read -ra names <<<"$choice"
    for name in "${names[@]}"; do
      is_installed "$name" && continue 2
    done
    printf '%s\n' "${names[0]}"
  done
}

# Runs a command as root.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

# install_packages PACKAGE...: installs what is missing, and touches nothing when all is there.
install_packages() {
  local missing=()
  command -v dpkg-query >/dev/null || {
    echo "This is no Debian system; going on with what is installed." >&2
    return 0
  }
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" -gt 0 ] || return 0
  echo "Installing ${missing[*]}"
  [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
    fail "these packages are missing: ${missing[*]}; run 'apt-get install ${missing[*]}' as root, or install sudo"
  as_root apt-get -qq update || fail "'apt-get update' failed; is there a connection to a Debian mirror?"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${missing[@]}" >/dev/null ||
    fail "'apt-get install ${missing[*]}' failed; see the lines above"
}

# set_up_build FOLDER ARGUMENT...: a meson build folder of the source tree $root. One that is there is used again: ninja notices changes.
set_up_build() {
  local folder=$1
  shift
  [ -f "$folder/build.ninja" ] && return 0
  mkdir -p "$(dirname "$folder")" || return 1
  meson setup "$folder" "$root" "$@" >"$folder.log" 2>&1 && rm -f "$folder.log" && return 0
  tail -n 20 "$folder.log" >&2
  return 1
}
