from landloom.raster.alike import Storage, doubts


def scene(name: str, names: tuple[str, ...], scale: float = 1.0) -> Storage:
    return Storage(name, names, ((scale, 0.0),) * len(names))


RGB = [scene(n, ("red", "green", "blue")) for n in "abc"]


def test_scenes_that_are_alike_raise_no_doubt() -> None:
    assert doubts(RGB) == doubts([]) == []


def test_bands_in_another_order_are_named() -> None:
    (said,) = doubts([*RGB, scene("d", ("blue", "green", "red"))])
    assert "1 scenes have their bands in another order, such as d with blue, green, red, where" in said


def test_other_names_are_no_doubt() -> None:
    assert doubts([*RGB, scene("d", ("b4", "b3", "b2"))]) == []


def test_another_scale_is_named() -> None:
    (said,) = doubts([*RGB, scene("d", ("red", "green", "blue"), 0.0001)])
    assert "1 scenes, such as d, have another scale or offset" in said
