"""Where a student's code runs, and how what it saw comes back.

Theory of operation
-------------------
Three kinds of process take part, and each trusts only those above it.

1. The **grader process** (`runner`, `zygote_process`, `channels`) holds expectations, seeds and
   results. It never imports torch and never parses a student's Python. It asks for a child for a
   grader, or for a few quick ones (`autograder/sharing.py`).
2. The **zygote** (`zygote`) is started by exec with a scrubbed environment. It probes which layers
   of isolation hold here (`ladder`), imports torch and whatever else its children will need, runs
   no torch operation, starts no thread, and holds no expectation and no submission. On request it forks.
3. A **child** (`child`) isolates itself (`isolation`), reads its jobs (a grader's slice, the
   student's sources, a seed), runs one after the other as long as each leaves the process as it
   found it (`imprint`), writes a frame of data for each (`replies`), and ends with `os._exit`.

Between 1 and 2 runs a socket that carries small JSON messages and descriptors (`protocol`); between
1 and 3 there are three descriptors: the jobs (read), the reply (write) and the output
(write). The grader process reads reply and output with a cap and a deadline and decodes the frame
as untrusted data.

What a child gives up, in this order
------------------------------------
- the zygote's session and descriptors, all but its three;
- resources: CPU time, address space (relative to the zygote, whose own mappings are several GB),
  file size, open files, core dumps; for a user of its own also the number of threads;
- its user (`privileges`): root hands every child to a user of its own. Where it cannot, the child
  drops root's capabilities. No program that it executes can have more power than it has;
- files (`landlock`): it reads the system, the interpreter and the data, and writes its own scratch
  folder. Since version 6 of Landlock it can signal no process outside of its own either;
- system calls (`seccomp`): no process, no socket, no signal to another process, nothing that
  outlives it, and no call that is newer than the filter.

Which of these hold is no matter of versions: a throwaway child tries each one and attempts what it
must prevent. `ladder.py` says what level they come to, `autograder doctor` tells a person.

What ends a child, and what the student is told
-----------------------------------------------
- CPU time (RLIMIT_CPU, raised for each further job) and wall time (the zygote's clock, SIGKILL to
  the process group; for each of several jobs the grader process's);
- files beyond their number or size together, and a reply beyond its cap: the grader process
  watches them and has the zygote end the child;
- what is met inside of the child as an exception (memory, one file's size, open files, threads) is
  told as the limit that it is (`autograder/diagnosis.py`).
When a child has ended, the zygote kills its process group, and every process that was orphaned to
it (it is a child subreaper), so a double-forked daemon dies as well; where there was any and the
child had a user of its own, everything of that user is killed at one stroke.

Whose fault it is
-----------------
The first byte of a reply is sent when the grader is loaded and nothing of the student has run.
What goes wrong before it is ours ("harness"), and tried once more. What comes after it is the
student's, whatever it claims: a frame that is malformed, too large, of another grader or doubled is
a failed grader. A zygote that is gone is replaced, and its children's jobs are run once more. Of
a job that is not the first of its child nothing but a success is believed, in either direction.

docs/threat_model.md says what all of this promises, and what it does not.
"""
