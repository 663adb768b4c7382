"""Where a student's code runs, and how what it saw comes back.

Theory of operation
-------------------
Three kinds of process take part, and each trusts only those above it.

1. The **grader process** (`runner`) holds expectations, seeds and results. It never imports
   torch and never parses a student's Python. It asks for one child per grader.
2. The **zygote** (`zygote`) is started by exec with a scrubbed environment. It imports torch and
   whatever else its children will need, runs no torch operation, starts no thread, and holds
   no expectation and no submission. On request it forks.
3. A **child** (`child`) isolates itself (`isolation`), reads one job (a grader's slice, the
   student's sources, a seed), runs it, writes one frame of data, and ends with `os._exit`.

Between 1 and 2 runs a socket that carries small JSON messages and descriptors; between 1 and
3 there are three descriptors per job: the job (read), the reply (write) and the output
(write). The grader process reads reply and output with a cap and a deadline and decodes the
frame as untrusted data.

What a child can reach
----------------------
- Three descriptors and an environment that was made for the zygote; its parent's are closed.
- Files, where the kernel has Landlock: it reads the system, the interpreter and the data, and writes
  its own scratch folder. Expectations, other submissions, results.json and the memory of other
  processes are out of reach. Where there is no Landlock, files are as open as they are to the user
  who grades.
- Processes that it started itself: since version 6 of Landlock no other can be sent a signal.

What ends a child, and what the student is told
-----------------------------------------------
- CPU time (RLIMIT_CPU) and wall time (the zygote's clock, SIGKILL to the process group);
- address space (RLIMIT_AS, relative to the zygote, whose own mappings are several GB);
- file size, open files, core dumps (rlimits); printed output and reply (caps when reading).
When a child has ended, the zygote kills its process group, and, on Linux, every process that
was orphaned to it (it is a child subreaper), so a double-forked daemon dies as well.

Isolation is a ladder of layers. What is here works for root and ordinary users alike; dropping
privileges and seccomp are layers still to come, and belong into `isolation.LAYERS`.
"""
