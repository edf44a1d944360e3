# shellcheck shell=bash
# Sourced by the tools: install_into_venv WHAT puts this package (WHAT is . or .[docs,test]) into .venv at the root.
# An environment that is there already is used as it is, and each extra is installed once for each state of setup.py.

install_into_venv() {
  local what=$1 extras extra python missing=""
  if [[ ! -x .venv/bin/python ]]; then
    python=$(supported_python)
    "$python" -m venv .venv
  fi
  extras=${what//[^a-z,]/}
  # the package itself has the stamp of no extra
  for extra in package ${extras//,/ }; do
    if [[ ! .venv/.installed-$extra -nt setup.py || ! .venv/.installed-$extra -nt pyproject.toml ]]; then
      missing+=" $extra"
    fi
  done
  if [[ -z $missing ]]; then
    return
  fi
  echo "Installing causalgan_tf and what it needs into .venv: TensorFlow is large, this takes a minute or more."
  .venv/bin/python -m pip install --disable-pip-version-check --progress-bar=off -e "$what" \
    2> >(grep -v '^WARNING: ' >&2) | show_packages
  for extra in package ${extras//,/ }; do
    touch ".venv/.installed-$extra"
  done
}

# The first interpreter that TensorFlow supports: PYTHON if it is set, else python3 or one named by its version.
supported_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10}; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  candidate=${PYTHON:-python3}
  echo "error: TensorFlow needs Python 3.10 to 3.13, and $candidate is $("$candidate" --version 2>&1 || true)." \
    "Install one of them, or name it: PYTHON=/path/to/python3.12 ${0}" >&2
  return 1
}

# pip's output, cut down to the package at hand on a terminal and to nothing elsewhere; errors are not in it.
show_packages() {
  local word package
  while read -r word package _; do
    case $word in
      Collecting | Downloading | Installing)
        [[ ! -t 1 ]] || printf '\r\033[K  %s %s' "$word" "${package%%[<>=!~;(]*}"
        ;;
    esac
  done
  [[ ! -t 1 ]] || printf '\r\033[K'
}
