import guarded

print(guarded.energy)
raise SystemExit("not for grading")
