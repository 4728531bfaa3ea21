import numpy as np
import pytest

from landloom.data.lattice import Lattice, Sheet


def colour(row: int, col: int) -> int:
    return 2 * (row % 2) + col % 2


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 100), (200, 150), (24, 24)])
def test_every_cell_comes_once_after_its_neighbours_of_earlier_colours(height: int, width: int) -> None:
    lattice = Lattice(height, width, 32)
    order = [(r.row, c) for r in lattice.order(range(lattice.rows), range(lattice.cols)) for c in r.cols]
    place = {cell: i for i, cell in enumerate(order)}
    assert sorted(place) == [(r, c) for r in range(lattice.rows) for c in range(lattice.cols)]
    for (row, col), i in place.items():
        for other in ((row + y, col + x) for y in (-1, 0, 1) for x in (-1, 0, 1)):
            if other in place and colour(*other) != colour(row, col):
                assert (place[other] < i) == (colour(*other) < colour(row, col))


def test_finished_rows_are_no_longer_written_and_join_to_the_scene() -> None:
    lattice = Lattice(150, 70, 32)
    rows, cols = range(lattice.rows), range(lattice.cols)
    sheet, whole = Sheet(lattice, rows, cols, [0], np.int64), np.zeros((400, 400), np.int64)
    parts, ends, number = [], [], 0
    for row, columns, end in lattice.order(rows, cols):
        for col in columns:
            number += 1
            sheet.over(row, col)[:] = number
            y, x = row * lattice.cell, col * lattice.cell
            whole[y : y + 32, x : x + 32] = number
        top, found = sheet.finished(end)
        assert top == sum(len(p) for p in parts)
        parts.append(found[0])
        ends.append(sheet.pixels.shape[1])
    made = np.concatenate(parts)
    assert np.array_equal(made, whole[4 : 4 + 150, 4 : 4 + 70])
    assert max(ends) <= 3 * lattice.size


def test_a_part_needs_cells_near_it_alone() -> None:
    lattice = Lattice(4000, 4000, 32)
    cells = [(r.row, c) for r in lattice.order(range(50, 52), range(80, 81)) for c in r.cols]
    assert {r for r, _ in cells} <= set(range(46, 56))
    assert {c for _, c in cells} <= set(range(76, 85))
