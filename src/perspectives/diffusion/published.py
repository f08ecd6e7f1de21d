"""CIFAR-10 curves of the released README, digitised once from its two vector drawings, `assets/bpd*.svg`.

One training with each proposal ("debias" True is orange there, False blue), evaluated on the test images after the
first iteration and after every 2000. Read off the paths' vertices, whose heights are linear between the ticks 2.8 and
5.4 bits, 0.10 and 0.19 for the errors; rounded to the third and the fourth decimal. The drawing of the errors lacks the
first three of the uniform training. The curves are not smoothed.
"""

from typing import NamedTuple


class PublishedCurve(NamedTuple):
    """Bits per dimension of CIFAR-10's test images by iteration, and the standard errors of the last of them."""

    iterations: tuple[int, ...]
    bits: tuple[float, ...]
    errors: tuple[float, ...]


_ITERATIONS = (1, *range(2000, 100_001, 2000))

# fmt: off
CIFAR10_CURVES = {
    "uniform": PublishedCurve(
        iterations=_ITERATIONS,
        bits=(
            15.025, 4.281, 4.083, 4.055, 3.705, 3.755, 3.721, 3.692, 3.658, 3.57, 3.71, 3.643, 3.392, 3.514, 3.458,
            3.508, 3.625, 3.391, 3.588, 3.438, 3.547, 3.492, 3.471, 3.596, 3.652, 3.444, 3.597, 3.718, 3.234, 3.211,
            2.971, 3.566, 3.51, 3.31, 3.219, 3.28, 3.521, 3.362, 3.201, 3.458, 3.403, 3.296, 3.459, 3.609, 3.228,
            3.474, 3.433, 3.398, 3.282, 3.395, 3.535,
        ),
        errors=(
            0.0916, 0.1031, 0.1044, 0.1154, 0.1113, 0.1104, 0.1207, 0.1167, 0.1132, 0.1242, 0.1212, 0.1191, 0.1291,
            0.1303, 0.1436, 0.128, 0.1296, 0.1267, 0.124, 0.1301, 0.1222, 0.1163, 0.1349, 0.1208, 0.1178, 0.1307,
            0.1419, 0.1508, 0.1244, 0.1469, 0.1306, 0.1294, 0.15, 0.1332, 0.1284, 0.1355, 0.1375, 0.1318, 0.1396,
            0.1432, 0.1202, 0.1436, 0.1336, 0.1309, 0.1383, 0.1412, 0.1431, 0.1268,
        ),
    ),
    "debiasing": PublishedCurve(
        iterations=_ITERATIONS,
        bits=(
            14.987, 3.821, 3.757, 3.558, 3.467, 3.39, 3.467, 3.637, 3.49, 3.317, 3.313, 3.485, 3.484, 3.039, 3.156,
            3.068, 3.415, 3.238, 3.252, 3.135, 3.214, 3.467, 3.324, 3.274, 3.157, 3.353, 3.273, 3.346, 3.008, 3.174,
            2.979, 3.017, 3.164, 3.086, 3.305, 3.007, 3.458, 3.011, 3.045, 2.878, 3.05, 3.187, 3.065, 3.102, 3.153,
            3.096, 3.422, 3.279, 2.831, 2.872, 3.093,
        ),
        errors=(
            0.0415, 0.1078, 0.1134, 0.1195, 0.1476, 0.1283, 0.1439, 0.1199, 0.1404, 0.1823, 0.1441, 0.1439, 0.1371,
            0.1909, 0.1524, 0.1474, 0.1387, 0.2003, 0.1396, 0.1715, 0.16, 0.1594, 0.1433, 0.1751, 0.1533, 0.1527,
            0.1638, 0.1546, 0.1994, 0.1653, 0.185, 0.169, 0.1592, 0.173, 0.1586, 0.167, 0.1402, 0.1904, 0.1822,
            0.1869, 0.1769, 0.1619, 0.1532, 0.1764, 0.1783, 0.1714, 0.141, 0.1488, 0.1847, 0.1743, 0.1788,
        ),
    ),
}
# fmt: on
