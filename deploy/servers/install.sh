#!/usr/bin/env bash
# Installs the real servers that the tests, benches and the chaos run start for themselves: PostgreSQL 15, Kafka's
# jars (version in deploy/kafka/pom.xml), Java to run them, an OpenID provider (deploy/servers/openid) with Node to run
# it, AsyncAPI's parser (deploy/servers/asyncapi), the verifier of webhooks (deploy/servers/standardwebhooks), a mail
# server (chasquid), nginx, Prometheus and Alertmanager, OpenSSL for a locked Kafka, and wrk. For Debian 12, as root or with sudo.
# Run it as often as you like: it does nothing, and says nothing, when everything is there.
set -euo pipefail
cd "$(dirname "$0")/../.."

servers=var/servers
jars=$servers/kafka-libs
archive=$servers/kafka.jsa
kafka_version=${KAFKA_VERSION:-$(sed -n 's|.*<kafka.version>\(.*\)</kafka.version>.*|\1|p' deploy/kafka/pom.xml)}

say() { echo "install.sh: $*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else say "needs root or sudo for: $*"; exit 1
  fi
}

retry() {
  local attempt
  for attempt in 1 2 3; do
    if "$@"; then return 0; fi
    say "attempt $attempt of 3 failed: $*"
    sleep $((attempt * 5))
  done
  return 1
}

# Debian 12 has Node 18; the provider needs 20, and its lock file has one for machines that lack it.
have_node() { [ "$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')" -ge 20 ] 2>/dev/null; }
have_modules() { cmp -s "$servers/$1/package-lock.json" "deploy/servers/$1/package-lock.json"; }
have_jars() { [ -e "$jars/kafka-clients-$kafka_version.jar" ]; }

missing_packages() {
  [ -x /usr/lib/postgresql/15/bin/pgbench ] || echo postgresql-15
  command -v java >/dev/null || echo openjdk-17-jre-headless
  have_jars || command -v mvn >/dev/null || echo maven
  { have_modules openid && have_modules asyncapi && have_modules standardwebhooks; } || command -v npm >/dev/null || echo npm
  command -v wrk >/dev/null || echo wrk
  command -v openssl >/dev/null || echo openssl
  command -v chromium-headless-shell >/dev/null || echo chromium-headless-shell
}

# The package would make a cluster on port 5432 and start it; nobody here needs that one.
forbid_default_cluster() {
  local folder=/etc/postgresql-common/createcluster.d
  as_root mkdir -p "$folder"
  echo "create_main_cluster = false" | as_root tee "$folder/no-main-cluster.conf" >/dev/null
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -y -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@"
}

install_packages() {
  local packages
  mapfile -t packages < <(missing_packages)
  [ ${#packages[@]} -gt 0 ] || return 0
  say "installing ${packages[*]}"
  case " ${packages[*]} " in *" postgresql-15 "*) forbid_default_cluster ;; esac
  retry apt update
  retry apt install --no-install-recommends "${packages[@]}" >/dev/null
}

# Into a new folder, then renamed: a half-finished download is never taken for a whole one.
install_jars() {
  if have_jars; then return 0; fi
  say "fetching Kafka $kafka_version"
  rm -rf "$jars.new"
  retry mvn -q -B -C -f deploy/kafka/pom.xml -Dkafka.version="$kafka_version" \
    dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$PWD/$jars.new"
  rm -rf "$jars" "$archive"
  mv "$jars.new" "$jars"
}

# From the lock file in deploy/servers/<name>.
install_modules() {
  if have_modules "$1"; then return 0; fi
  say "fetching Node's modules for $1"
  local folder=$servers/$1 node=()
  if have_node; then node=(--omit=optional); fi
  rm -rf "$folder.new"
  mkdir "$folder.new"
  cp "deploy/servers/$1"/package*.json "$folder.new"
  retry npm ci --prefix "$folder.new" --ignore-scripts --no-audit --no-fund --loglevel=error "${node[@]}" >/dev/null
  rm -rf "$folder"
  mv "$folder.new" "$folder"
}

# Debian's packages, unpacked and not installed: as services they would listen on ports of their own (25, 9090, 9093,
# 80), and nobody here needs those.
#   install_unpacked FOLDER PACKAGE...
install_unpacked() {
  local unpacked=$PWD/$servers/$1 folder package
  shift
  if [ -d "$unpacked" ]; then return 0; fi
  say "fetching $*"
  folder=$(mktemp -d)
  chmod 755 "$folder"
  (cd "$folder" && { apt-get -qq download "$@" 2>/dev/null || { retry apt update && retry apt-get -qq download "$@"; }; })
  rm -rf "$unpacked.new"
  for package in "$folder"/*.deb; do dpkg-deb -x "$package" "$unpacked.new"; done
  rm -rf "$folder"
  mv "$unpacked.new" "$unpacked"
}

# Alertmanager reads them from there and nowhere else.
install_templates() {
  local templates=/usr/share/prometheus/alertmanager
  if [ -e "$templates/default.tmpl" ]; then return 0; fi
  as_root mkdir -p "$templates"
  as_root cp "$servers/prometheus$templates"/*.tmpl "$templates"
}

# Only saves time, so the rest does not depend on it.
make_archive() {
  if [ -e "$archive" ]; then return 0; fi
  .venv/bin/python -c 'from shared.testing.kafka import make_class_archive; make_class_archive()' ||
    say "goes on without the JVM's class archive: brokers start more slowly"
}

mkdir -p "$servers"
exec 9>"$servers/.install.lock"
flock 9
install_packages
install_jars
install_modules openid
install_modules asyncapi
install_modules standardwebhooks
install_unpacked chasquid chasquid
install_unpacked nginx nginx
install_unpacked prometheus prometheus prometheus-alertmanager
install_templates
make_archive
