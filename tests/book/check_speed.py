"""How long the book takes to build, from nothing and after an edit. Run by `make check-book`, alone on the machine."""

from time import perf_counter

from conftest import build


def test_the_book_is_built_from_nothing_in_six_minutes(book):
    print(f"\nfrom nothing: {book.seconds:.0f} s")
    assert book.seconds < 360


def test_an_edit_of_one_page_is_built_in_twenty_seconds(book):
    source = book.html.parents[1]
    page = source / "book" / "bptt" / "backpropagation-through-time.md"
    text = page.read_text(encoding="utf-8")
    try:
        page.write_text(f"{text}\nOne more sentence.\n", encoding="utf-8")
        start = perf_counter()
        failed, log = build(source, figures=False)
        seconds = perf_counter() - start
        assert not failed, log[-3000:]
        assert "One more sentence" in (book.html / "book/bptt/backpropagation-through-time.html").read_text("utf-8")
    finally:
        page.write_text(text, encoding="utf-8")
        build(source, figures=False)
    print(f"\nafter an edit: {seconds:.1f} s")
    assert seconds < 20
