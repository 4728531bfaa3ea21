from landloom.data.batches import batches


def test_slices_cover_the_count() -> None:
    assert [list(range(5))[s] for s in batches(5, 2)] == [[0, 1], [2, 3], [4]]
    assert list(batches(0, 2)) == []
