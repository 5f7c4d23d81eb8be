"""OpenCV as its documentation shows it: FaceDetectorYN and FaceRecognizerSF at their default thresholds."""

from collections.abc import Sequence

from worker import measure, options

given = options()

import cv2  # noqa: E402 - OpenCV counts the CPUs it may use when it starts

cv2.setNumThreads(given.threads)
detector = cv2.FaceDetectorYN.create(given.detector, "", (320, 320))
recogniser = cv2.FaceRecognizerSF.create(given.recogniser, "")


def count_faces(paths: Sequence[str]) -> list[int]:
    return [_faces(path) for path in paths]


def _faces(path: str) -> int:
    image = cv2.imread(path)
    assert image is not None
    if given.scale != 1:
        image = cv2.resize(image, None, fx=given.scale, fy=given.scale)
    detector.setInputSize((image.shape[1], image.shape[0]))
    _, faces = detector.detect(image)
    if faces is None:
        return 0
    for face in faces:
        recogniser.feature(recogniser.alignCrop(image, face))
    return len(faces)


if __name__ == "__main__":
    measure(count_faces, {"opencv": cv2.__version__})
