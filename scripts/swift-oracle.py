#!/usr/bin/python3
"""The command line of swift-init for the manager module that Debian's python3-swift installs.

Debian ships Swift's manager module but not the command in front of it. This is that command, so that what mgr does
in swift-init mode can be compared with what Swift does (see parity_test.go):

    SWIFT_ORACLE_CONF_DIR=/etc/swift scripts/swift-oracle.py main start -r /run/swift

SWIFT_ORACLE_CONF_DIR is the directory of the confs, which swift-init cannot be told. SWIFT_ORACLE_RUN_DIR is what the
module takes for its built-in run directory, which the "reload" command uses whatever --run-dir says: without it, that
command acts on the machine's own servers.
"""

import optparse
import os
import sys

from swift.common import manager

USAGE = """%prog SERVER[.CONF]... COMMAND [options]

SERVER is a server of Swift, with or without its "-server"; or all, main, rest.
CONF is the name of a conf file in the server's directory, without ".conf".

Commands:
"""


def use_directories(environ):
    """Point the module's built-in directories elsewhere."""
    manager.SWIFT_DIR = environ.get('SWIFT_ORACLE_CONF_DIR', manager.SWIFT_DIR)
    manager.RUN_DIR = environ.get('SWIFT_ORACLE_RUN_DIR', manager.RUN_DIR)
    for cls in manager.Manager, manager.Server:
        # The constant was bound as a default argument when the module was read.
        cls.__init__.__defaults__ = (manager.RUN_DIR,)


def parser():
    """The options of swift-init; the names of the values are the module's."""
    commands = ''.join('  %-16s %s\n' % row for row in manager.Manager.list_commands())
    p = optparse.OptionParser(USAGE + commands)
    flag = p.add_option
    flag('-v', '--verbose', action='store_true', default=False, help='say more')
    flag('-w', '--no-wait', dest='wait', action='store_false', default=True, help='do not wait for the start')
    flag('-o', '--once', action='store_true', default=False, help='run one pass')
    flag('-n', '--no-daemon', dest='daemon', action='store_false', default=True, help='stay in the foreground')
    flag('-g', '--graceful', action='store_true', default=False, help='stop with HUP where supported')
    flag('-c', '--config-num', dest='number', type='int', metavar='N', default=0, help='act on the Nth conf only')
    flag('-k', '--kill-wait', dest='kill_wait', type='int', metavar='N', default=manager.KILL_WAIT,
         help='seconds to wait for servers to die (%default)')
    flag('-r', '--run-dir', dest='run_dir', default=manager.RUN_DIR, help='directory of the pidfiles')
    flag('--strict', dest='strict', action='store_true', help='a missing conf is an error')
    flag('--non-strict', dest='strict', action='store_false', help='a missing conf is no error')
    flag('--kill-after-timeout', dest='kill_after_timeout', action='store_true', help='then kill what is left')
    return p


def main(argv):
    """Run one command line and return its exit status."""
    use_directories(os.environ)
    p = parser()
    options, words = p.parse_args(argv)
    if len(words) < 2:
        p.print_help()
        print('ERROR: specify server(s) and command')
        return 1
    servers, command = words[:-1], words[-1]
    known = [name for name, _ in manager.Manager.list_commands()]
    if command not in known and servers[0] in known:
        # "start main" is "main start": the first word changes places with the last.
        servers, command = servers[1:] + [command], servers[0]
    try:
        status = manager.Manager(servers, run_dir=options.run_dir).run_command(command, **vars(options))
    except manager.UnknownCommandError:
        p.print_help()
        print('ERROR: unknown command, %s' % command)
        return 1
    return 1 if status else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
