"""Draw the base set of a task on GB1: all that a method may know of the landscape."""

from perspectives.numerics.streams import stream
from perspectives.protein.landscapes import restored
from perspectives.protein.sequences import decoded
from perspectives.protein.settings import TaskName
from perspectives.protein.tasks import TASKS, drawn, pool_of_doubles
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.errors import UserError
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import write_rows


def draw_base(*, rows: int, task: TaskName, member: int, seed: int, landscape: Input, base: Output) -> None:
    """Write sequences and raw fitness of `rows` of the task's pool, drawn by seed and member; with 0, of all.

    Fitness is clipped at the scale's least, as oracles and evaluation have it.

    **Raises**: UserError when the task is not on GB1 or its pool has fewer rows.
    """
    if not task.startswith("gb1"):
        raise UserError(f"task = {task} has a base set that is published; drawn are those of GB1.")
    found = restored(read_groups(landscape)["gb1"])
    pool = pool_of_doubles(found, TASKS[task])
    if rows > len(pool):
        raise UserError(f"protein.{task}.rows = {rows} is more than the task's pool has, {len(pool)}.")
    if rows:
        pool = drawn(pool, rows, key=stream(seed, f"protein/base/{task}/member {member}"))
    pairs = zip(decoded(found.tokens(pool)), found.clipped[pool].tolist(), strict=True)
    write_rows(base, [{"sequence": sequence, "score": score} for sequence, score in pairs])
