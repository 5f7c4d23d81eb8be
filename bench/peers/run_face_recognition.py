"""face_recognition as its documentation shows it; it uses one thread whatever it is given."""

from collections.abc import Sequence

from worker import measure, options

options()

import dlib  # noqa: E402 - libraries count the CPUs they may use when they start
import face_recognition  # type: ignore[import-not-found]  # noqa: E402


def count_faces(paths: Sequence[str]) -> list[int]:
    return [len(face_recognition.face_encodings(face_recognition.load_image_file(path))) for path in paths]


if __name__ == "__main__":
    measure(count_faces, {"face_recognition": face_recognition.__version__, "dlib": dlib.__version__})
