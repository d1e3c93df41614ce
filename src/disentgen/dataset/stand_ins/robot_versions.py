"""The looks of the three versions of MPI3D, as they were fitted to published frames.

The frames are of the sample animations of rr-learning/disentanglement_dataset (CC BY 4.0); no pixel
is copied. ``benchmarks/likeness.py --fit --animations`` fits all numbers but the cameras and the
mount (both fitted earlier, to where the first animation shows the object), the arm's widths and the
noise. Mean errors over frames, of 255, where a frame is left out after a fit without it:

- real: 122 numbers, 40 frames, fitted 3.4, left out 3.5. Ten of these are of other objects and all
  cameras: fitted 4.4, left out 4.5, none above 5.0. No shadow of the object. The noise is at most
  the grain by which two frames' floors differ, which is in part that of their 256 colours.
- realistic: 123 numbers, 35 frames, fitted 3.4, left out 3.5; the salmon ring is an earlier fit's.
- toy: an earlier fit; 24 frames, 2.2.
"""

from collections.abc import Sequence

import numpy as np

from disentgen.dataset.stand_ins.robot_looks import Look
from disentgen.dataset.stand_ins.sampling import Array


def _array(numbers: Sequence[object]) -> Array:
    return np.array(numbers, np.float32)


#: By version. Zeros and ones of ``toy`` are what its frames show: a flat floor, neither wall nor
#: shadow nor noise.
LOOKS = {
    "real": Look(
        cameras=_array(
            [[5.36, 52.73, 29.96, 40.23], [4.98, 43.65, 30.97, 45.41], [5.13, 30.72, 29.74, 46.92]]
        ),
        gains=_array([[1.323, 1.157, 1.221], [1.000, 1.000, 1.000], [1.395, 1.224, 1.307]]),
        blacks=_array([[-4.6, -1.8, -4.7], [0.0, 0.0, 0.0], [-14.0, -7.0, -15.0]]),
        colours=_array(
            [
                [178, 188, 183],
                [0, 141, 26],
                [165, 35, 34],
                [64, 101, 117],
                [47, 48, 50],
                [80, 95, 78],
            ]
        ),
        lamp=_array(
            [
                [0.645, 0.052, 0.007, 0.570, 0.009, -0.006, -0.112, -0.034, -0.112],
                [-0.009, 0.001, -0.097, -0.014, 0.010, 0.002, 0.005, 0.092, 0.042],
            ]
        ),
        platform=_array([2.543, 3.416, 2.734, 0.627]),
        floor=_array([43.3, 55.0, 48.3]),
        floor_tilt=_array([0.062, -0.017, -0.025]),
        floor_light=_array([-0.103, -0.111, -0.014, -0.030]),
        post_shadow=_array([0.22, -0.64, 0.26]),
        outside=0.90,
        wall=_array([21.1, 34.8, 26.7]),
        wall_light=_array([-0.051, 0.562, -0.148, 0.005, -0.140]),
        glow=_array([23.06, -0.14, 2.52, 1.04]),
        seams=_array([0.52, 0.12, 2.15]),
        vignette=0.062,
        rings=_array([[110, 107, 170], [95, 141, 132], [114, 109, 112]]),
        ring_centre=_array([-0.043, 0.002]),
        disc=_array([36, 46, 42]),
        feet=_array([[43, 53, 49], [50, 61, 56], [36, 46, 42]]),
        foot_radii=_array([0.26, 0.37]),
        post=_array([[12, 16, 13], [36, 45, 40]]),
        post_shape=_array([0.130, -0.249, 1.098]),
        mount=_array([0.902, -0.131, 16.200, 0.000]),
        arm=_array([20, 26, 22]),
        hub=_array([16, 23, 18]),
        arm_width=1.5,
        hub_width=4.0,
        shadow=0.00,
        noise=1.0,
    ),
    "realistic": Look(
        cameras=_array(
            [[5.44, 52.85, 30.17, 40.44], [5.19, 43.82, 32.92, 44.17], [5.01, 33.20, 30.17, 49.23]]
        ),
        gains=_array([[1.000, 0.942, 0.979], [1.000, 1.000, 1.000], [1.100, 1.129, 1.099]]),
        blacks=_array([[-1.1, 1.8, -0.2], [0.0, 0.0, 0.0], [-1.9, -3.1, -1.8]]),
        colours=_array(
            [
                [190, 237, 195],
                [59, 117, 60],
                [169, 17, 12],
                [34, 93, 152],
                [56, 50, 41],
                [91, 97, 67],
            ]
        ),
        lamp=_array(
            [
                [1.133, 0.003, 0.819, 0.034, -0.010, -0.161, -1.029, -0.338, -0.106],
                [0.212, 0.024, 0.123, -0.193, 0.025, -0.029, -0.082, -0.029, 0.105],
            ]
        ),
        platform=_array([2.181, 3.399, 2.709, 0.629]),
        floor=_array([50.8, 58.8, 50.9]),
        floor_tilt=_array([0.011, 0.017, 0.016]),
        floor_light=_array([0.075, -0.045, 0.002, -0.021]),
        post_shadow=_array([0.12, -0.64, 0.31]),
        outside=0.85,
        wall=_array([21.5, 24.4, 21.3]),
        wall_light=_array([0.034, -0.376, -0.007, -0.036, 0.091]),
        glow=_array([-0.88, 5.86, -3.89, 1.21]),
        seams=_array([0.15, 1.77, 0.49]),
        vignette=-0.163,
        rings=_array([[85, 80, 116], [68, 100, 84], [87, 78, 81]]),
        ring_centre=_array([0.004, -0.001]),
        disc=_array([56, 65, 57]),
        feet=_array([[61, 71, 62], [56, 66, 57], [59, 68, 59]]),
        foot_radii=_array([0.29, 0.32]),
        post=_array([[21, 22, 19], [61, 71, 63]]),
        post_shape=_array([0.121, -0.127, 1.071]),
        mount=_array([0.902, -0.131, 16.200, 0.000]),
        arm=_array([53, 54, 47]),
        hub=_array([40, 45, 40]),
        arm_width=1.3,
        hub_width=3.0,
        shadow=0.14,
        noise=0.0,
    ),
    "toy": Look(
        cameras=_array(
            [[5.37, 53.57, 30.24, 40.11], [5.06, 43.85, 32.71, 43.63], [4.88, 33.34, 28.95, 49.21]]
        ),
        gains=_array([[1.000, 1.000, 1.000], [1.000, 1.000, 1.000], [1.000, 1.000, 1.000]]),
        blacks=_array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]),
        colours=_array(
            [
                [221, 221, 221],
                [36, 149, 35],
                [204, 0, 0],
                [38, 104, 204],
                [78, 47, 30],
                [114, 113, 46],
            ]
        ),
        lamp=_array(
            [
                [0.429, 0.016, -0.180, 0.765, 0.096, 0.003, 0.098, -0.015, -0.088],
                [0.070, 0.000, 0.068, -0.068, 0.003, -0.008, -0.057, -0.014, 0.021],
            ]
        ),
        platform=_array([2.100, 3.400, 2.705, 0.610]),
        floor=_array([52.0, 52.0, 52.0]),
        floor_tilt=_array([0.000, 0.000, 0.000]),
        floor_light=_array([0.000, 0.000, 0.000, 0.000]),
        post_shadow=_array([0.00, -0.30, 0.20]),
        outside=1.00,
        wall=_array([52.0, 52.0, 52.0]),
        wall_light=_array([0.000, 0.000, 0.000, 0.000, 0.000]),
        glow=_array([0.00, 0.00, 2.30, 1.60]),
        seams=_array([0.00, 2.00, 0.15]),
        vignette=0.000,
        rings=_array([[93, 70, 132], [66, 91, 87], [100, 71, 79]]),
        ring_centre=_array([0.000, 0.000]),
        disc=_array([52, 52, 52]),
        feet=_array([[160, 160, 160], [160, 160, 160], [160, 160, 160]]),
        foot_radii=_array([0.15, 0.26]),
        post=_array([[78, 78, 78], [172, 172, 172]]),
        post_shape=_array([0.110, -0.120, 1.050]),
        mount=_array([0.902, -0.131, 16.200, 0.000]),
        arm=_array([130, 130, 130]),
        hub=_array([135, 135, 135]),
        arm_width=1.3,
        hub_width=3.0,
        shadow=0.00,
        noise=0.0,
    ),
}
