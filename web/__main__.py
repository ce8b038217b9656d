"""Which commands does the platform have? `python -m web --help`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import getpass
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import uvloop

from core import db
from core.errors import Refusal
from core.local import LocalStack, running_stack
from core.log import configure
from core.settings import Settings, require_secret, settings
from people.consents import publish_first_texts


def main() -> int:
    parser = _parser()
    arguments = parser.parse_args()
    try:
        chosen = settings()
        result = arguments.command(arguments, chosen)
    except Refusal as refusal:
        print(refusal.sentence, file=sys.stderr)
        return 2
    return int(result or 0)


def resolved(chosen: Settings) -> Settings:
    """The settings with the addresses of the servers: given ones, or this machine's running pair."""
    if not chosen.is_embedded:
        return chosen
    found = running_stack(chosen.local_path)
    if found is None:
        raise Refusal(
            "no_servers",
            "No servers: start `make run` first, or set DATABASE_URL and REDIS_URL. / Chưa có máy "
            "chủ dữ liệu: hãy chạy `make run` hoặc đặt DATABASE_URL và REDIS_URL.",
        )
    return replace(
        chosen,
        database_url=found.database_url,
        redis_url=found.redis_url,
        secret_key=require_secret(chosen),
        demo=chosen.is_demo,
    )


def prepare(ready: Settings) -> None:
    """Bring the tables up to date and give every purpose words to agree to."""
    asyncio.run(db.migrate(ready.direct.database_url))
    _with_database(ready, publish_first_texts)


def environment(chosen: Settings) -> dict[str, str]:
    """What a child process needs to have the same settings."""
    return {
        **os.environ,
        "DATABASE_URL": chosen.database_url,
        "REDIS_URL": chosen.redis_url,
        "SECRET_KEY": require_secret(chosen),
        "DEMO": "1" if chosen.is_demo else "0",
    }


def _run(_arguments: argparse.Namespace, chosen: Settings) -> int:
    from web.supervisor import run_everything

    return run_everything(chosen)


def _serve(arguments: argparse.Namespace, chosen: Settings) -> None:
    import uvicorn

    from web.app import create_app
    from web.leaving import LeavingServer
    from web.save_wire import wire

    if arguments.when_asked and not sys.stdin.readline():
        return
    ready = resolved(chosen)
    app = create_app(ready)
    config = uvicorn.Config(
        app,
        host=ready.host,
        port=ready.port,
        loop="uvloop",
        http=wire(app.state),
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        backlog=4096,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=20,
        proxy_headers=bool(ready.trusted_proxies),
        forwarded_allow_ips=ready.trusted_proxies or None,
    )
    server = LeavingServer(config, leave=app.leave, drain_seconds=ready.drain_seconds)
    # uvicorn itself takes a handed-over socket for a Unix one: its connections would keep Nagle's
    # algorithm on, and each answer wait 40 ms for the caller's acknowledgement of its head.
    handed_over = None if arguments.fd is None else [socket.socket(fileno=arguments.fd)]
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C: it has ended as it should
        server.run(handed_over)
    if not server.started:
        sys.exit(1)


def _work(_arguments: argparse.Namespace, chosen: Settings) -> None:
    from web.worker import work

    ready = resolved(chosen)
    configure(ready.log_level)
    _until_stopped(lambda: work(ready))


def _migrate(_arguments: argparse.Namespace, chosen: Settings) -> None:
    prepare(resolved(chosen))


def _local(_arguments: argparse.Namespace, chosen: Settings) -> None:
    stack = LocalStack(chosen.local_path)
    # Handlers, not sigwait: a library's thread that does not wait for the signal would take it,
    # and this process would be gone without having stopped its servers.
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stopping.set())
    addresses = stack.start()
    try:
        print(f"DATABASE_URL={addresses.database_url}\nREDIS_URL={addresses.redis_url}", flush=True)
        stopping.wait()
    finally:
        stack.stop()


def _seed(arguments: argparse.Namespace, chosen: Settings) -> None:
    from web.demo import certificates, crowd, province

    ready = resolved(chosen)
    if arguments.crowd:
        _with_database(ready, lambda: crowd.make_crowd(ready, arguments.crowd, Path(arguments.out)))
        return
    _with_database(ready, lambda: province.fill(ready, attempts=arguments.attempts))
    # What is measured afterwards is measured without a worker that draws them meanwhile.
    _with_database(ready, certificates.draw_papers)


def _import_bank(arguments: argparse.Namespace, chosen: Settings) -> int:
    from web.commands import import_bank

    return _with_database(
        resolved(chosen),
        lambda: import_bank(
            arguments.bank,
            Path(arguments.file),
            name=arguments.name,
            is_dry_run=arguments.dry_run,
        ),
    )


def _load_province(arguments: argparse.Namespace, chosen: Settings) -> int:
    from web.commands import load_province

    return _with_database(resolved(chosen), lambda: load_province(arguments.code))


def _admin(arguments: argparse.Namespace, chosen: Settings) -> int:
    from web.commands import make_admin

    password = getpass.getpass("Mật khẩu / password: ") if sys.stdin.isatty() else input()
    return _with_database(
        resolved(chosen),
        lambda: make_admin(arguments.username, arguments.name, arguments.unit, password),
    )


def _make_contest(arguments: argparse.Namespace, chosen: Settings) -> int:
    from web.commands import make_contest

    return _with_database(
        resolved(chosen), lambda: make_contest(Path(arguments.file), arguments.by)
    )


def _verify_audit(arguments: argparse.Namespace, chosen: Settings) -> int:
    from web.commands import verify_audit

    return _with_database(resolved(chosen), lambda: verify_audit(arguments.seal))


def _reset_second_factor(arguments: argparse.Namespace, chosen: Settings) -> int:
    from web.commands import reset_second_factor

    return _with_database(resolved(chosen), lambda: reset_second_factor(arguments.username))


def _certificate_keys(_arguments: argparse.Namespace, chosen: Settings) -> int:
    from web.commands import show_certificate_keys

    return _with_database(resolved(chosen), show_certificate_keys)


def _make_certificate_key(arguments: argparse.Namespace, _chosen: Settings) -> int:
    from web.commands import make_certificate_key

    return make_certificate_key(Path(arguments.file))


def _distrust_certificate_key(arguments: argparse.Namespace, chosen: Settings) -> int:
    from web.commands import distrust_certificate_key

    return _with_database(resolved(chosen), lambda: distrust_certificate_key(arguments.key))


def _back_up(arguments: argparse.Namespace, chosen: Settings) -> int:
    from web.backup import back_up

    # Every program that works beside a backup matters more to people than the backup.
    os.nice(10)
    ready = resolved(chosen).direct
    target = Path(arguments.file) if arguments.file else ready.local_path / "backups"
    return _with_database(ready, lambda: back_up(ready, target, keep=arguments.keep))


def _restore(arguments: argparse.Namespace, chosen: Settings) -> int:
    from web.backup import check_restored, restore

    ready = resolved(chosen).direct
    asyncio.run(restore(ready, Path(arguments.file), replace=arguments.replace))
    prepare(ready)
    return _with_database(ready, lambda: check_restored(Path(arguments.file)))


def _with_database(chosen: Settings, verb: Callable[[], Awaitable[int | None]]) -> int:
    async def call() -> int:
        await db.open_database(chosen.database_url, pgbouncer=chosen.pgbouncer)
        try:
            return await verb() or 0
        finally:
            await db.close_database()

    configure(chosen.log_level)
    return asyncio.run(call())


def _until_stopped(verb: Callable[[], Awaitable[None]]) -> None:
    """Run until SIGINT or SIGTERM, then cancel and let the verb close what it opened."""

    async def call() -> None:
        task = asyncio.ensure_future(verb())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        await asyncio.gather(task, return_exceptions=True)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(call())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m web", description="Hiểu Số")
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, call: Callable[..., object], about: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.set_defaults(command=call)
        return made

    add("run", _run, "servers if needed, migrate, demonstration data, web and worker")
    serve = add("serve", _serve, "one web process")
    serve.add_argument("--fd", type=int, help="a listening socket handed over by the parent")
    serve.add_argument(
        "--when-asked",
        action="store_true",
        help="load everything, serve at a line on standard input",
    )
    add("work", _work, "one worker process")
    add("migrate", _migrate, "bring the tables up to date")
    add("local", _local, "only the embedded PostgreSQL and Valkey; prints their addresses")
    seed = add("seed", _seed, "the demonstration province, or a crowd for load tests (DEMO=1)")
    seed.add_argument("--attempts", type=int, default=20_000, help="synthetic past attempts")
    seed.add_argument("--crowd", type=int, default=0, metavar="N", help="N signed-up people")
    seed.add_argument("--out", default="crowd.csv", metavar="FILE", help="where the crowd goes")
    place = add("load-province", _load_province, "a province with all its communes of today")
    place.add_argument("code", type=int, help="its code, such as 12 for Lai Châu")
    admin = add("admin", _admin, "an administrator's account; the password is asked for")
    admin.add_argument("username")
    admin.add_argument("--name", required=True, help="the person's full name")
    admin.add_argument("--unit", required=True, help="the unit's code, such as T12")
    trail = add("verify-audit", _verify_audit, "whether nobody changed the audit trail")
    trail.add_argument("--seal", help="a seal written down earlier, which must still be there")
    lost = add("reset-second-factor", _reset_second_factor, "take it off an account")
    lost.add_argument("username")
    add("certificate-keys", _certificate_keys, "the keys that vouch for certificates, newest first")
    fresh = add("make-certificate-key", _make_certificate_key, "a new one, to change over to")
    fresh.add_argument("file", help="the new file; CERTIFICATE_KEY_FILE names it afterwards")
    stolen = add("distrust-certificate-key", _distrust_certificate_key, "one that was stolen")
    stolen.add_argument("key", help="its id, as certificate-keys shows it")
    keep = add("backup", _back_up, "the whole database into one file, while people go on answering")
    keep.add_argument("file", nargs="?", help="the new file, or a folder for it: LOCAL_DIR/backups")
    keep.add_argument("--keep", type=int, metavar="N", help="keep only the N newest of the folder")
    bring = add("restore", _restore, "the database back to what a backup holds; all of it or none")
    bring.add_argument("file")
    bring.add_argument("--replace", metavar="NAME", help="the database whose data may be replaced")
    plan = add("make-contest", _make_contest, "a contest's draft from a TOML file")
    plan.add_argument("file")
    plan.add_argument("--by", required=True, help="the username of the organiser who makes it")
    bank = add(
        "import-bank", _import_bank, "questions from a file: XLSX, Word, GIFT, Moodle XML, QTI"
    )
    bank.add_argument("bank", help="the bank's code")
    bank.add_argument("file", help="the file; XLSX of the template's form")
    bank.add_argument("--name", help="makes the bank under this name if it is not there")
    bank.add_argument("--dry-run", action="store_true", help="report, change nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
