"""What the high-resolution ODE paper says, and how each statement is decided; written before the runs.

Source: Maskan, Zygalakis, Yurtsever, A Variational Perspective on High-Resolution ODEs, NeurIPS 2023. Equation and
theorem numbers are those of the anonymous submission, the version at hand; the camera-ready may number differently.
"""

import math

from perspectives.workbench.claims import Claim, Criterion, Figure, Finding, Known, Law, Ledger

FULL_SIZE = ("default", "extended", "paper")
HUNDRED_EPOCHS = ("extended", "paper")
WITH_PUBLISHED_CURVES = ("extended", "paper")

_SOLVER = Criterion(high=1e-6, reason="three decades above the solver's relative tolerance of 1e-9")
_ROUNDING = Criterion(high=1e-12, reason="rounding of a few thousand float64 steps")
_BOUND = Criterion(high=1.0, reason="a proven upper bound has no tolerance")
_POSITIVE = Criterion(low=0.0, reason="the 95 % interval of the paired difference must exclude zero")
_DIGITISED = Criterion(
    high=0.03, reason="reading error of the digitised curves, about 1 %, and the fitted initial distance"
)


def _around(published: float, spread: float) -> Criterion:
    """Return the interval published +- (3 spread / sqrt(20) + 0.05), for a mean over the paper's 20 runs."""
    half = 3 * spread / math.sqrt(20) + 0.05
    return Criterion(
        low=round(published - half, 4),
        high=round(published + half, 4),
        reason=f"three standard errors of 20 runs (recovered spread {spread:g}), and 0.05 for framework and data order",
    )


CLAIMS = (
    Claim(
        id="highres-01",
        statement="Along ODE (10) the Lyapunov function of Theorem 2.1 never increases.",
        source="Theorem 2.1",
        quantity="lyapunov:relative_increase_ode_10",
        criterion=_SOLVER,
    ),
    Claim(
        id="highres-02",
        statement="Along ODE (14) the Lyapunov function of Theorem 2.2 never increases.",
        source="Theorem 2.2",
        quantity="lyapunov:relative_increase_ode_14",
        criterion=_SOLVER,
    ),
    Claim(
        id="highres-03",
        statement="Along ODE (19) the Lyapunov function of Theorem 2.3 never increases.",
        source="Theorem 2.3",
        quantity="lyapunov:relative_increase_ode_19",
        criterion=_SOLVER,
    ),
    Claim(
        id="highres-04",
        statement="On a mu-strongly convex function the gap along (19) falls at least like exp(-sqrt(mu) t).",
        source="Theorem 2.3",
        quantity="lyapunov:rate_over_guarantee_ode_19",
        criterion=Criterion(low=1.0, reason="the fitted rate over sqrt(mu); a proven lower bound has no tolerance"),
        published="rate sqrt(mu)",
        known=Known.STATED,
    ),
    Claim(
        id="highres-05",
        statement="The semi-implicit Euler scheme (21) is Nesterov's method, one index shifted.",
        source="Section 3, (21)",
        quantity="discretisation:nag_minus_semi_implicit",
        criterion=_ROUNDING,
        published="exact",
        known=Known.STATED,
    ),
    Claim(
        id="highres-06",
        statement="min over i < k of |grad f(x_i)|^2 is at most 12 |x0 - x*|^2 / (k^3 s^2).",
        source="Theorem 3.1",
        quantity="constants:gradient_over_bound",
        criterion=_BOUND,
        published="constant 12, against 8568 before",
        known=Known.STATED,
    ),
    Claim(
        id="highres-07",
        statement="f(x_k) - f* is at most 2 |x0 - x*|^2 / (s k (k + 2)).",
        source="Theorem 3.1",
        quantity="constants:gap_over_bound",
        criterion=_BOUND,
        published="constant 2",
        known=Known.STATED,
    ),
    Claim(
        id="highres-08",
        statement="Each step lowers the discrete Lyapunov function by at least s^2 k (k + 2) / 8 |grad f(x_k)|^2.",
        source="proof of Theorem 3.1",
        quantity="constants:lyapunov_violation",
        criterion=Criterion(high=1e-10, reason="violation over the initial value; rounding of float64 sums"),
    ),
    Claim(
        id="highres-09",
        statement="On Nesterov's worst-case function the smallest squared gradient falls like k^-3.",
        source="Theorem 3.1",
        quantity="constants:gradient_slope_worst_case",
        criterion=Criterion(high=-2.9, reason="log-log slope; 0.1 for a finite fitting window"),
        published="-3",
        known=Known.STATED,
    ),
    Claim(
        id="highres-10",
        statement="Rate-matched scheme (24) lies much closer to high-resolution ODE (10) than to the low-resolution.",
        source="Proposition 4.1",
        quantity="discretisation:error_24_ode_10_over_low_resolution",
        criterion=Criterion(
            high=0.3, reason="ratio of sup-errors at s = 2^-12, the larger of two problems; an O(1) gain"
        ),
    ),
    Claim(
        id="highres-11",
        statement="Rate-matched scheme (27) lies much closer to high-resolution ODE (14) than to the low-resolution.",
        source="Section 4, (27)",
        quantity="discretisation:error_27_ode_14_over_low_resolution",
        criterion=Criterion(high=0.1, reason="ratio of sup-errors at s = 2^-12, the larger of two problems"),
    ),
    Claim(
        id="highres-12",
        statement="(27) with the gradient taken at x is exactly Nesterov's method.",
        source="Section 4, after (27)",
        quantity="discretisation:nag_minus_27",
        criterion=_ROUNDING,
        published="exact",
        known=Known.STATED,
    ),
    Claim(
        id="highres-13",
        statement="With the printed weight k + 2, the distance between (27) and Nesterov's method is of order sqrt(s).",
        source="our reading of (27)",
        quantity="discretisation:slope_nag_minus_27_weight_2",
        criterion=Criterion(low=0.4, high=0.6, reason="log-log slope 1/2; 0.1 for finite steps"),
    ),
    Claim(
        id="highres-14",
        statement="With weight k + 1 instead, the distance between (27) and Nesterov's method is of order s.",
        source="our correction of (27)",
        quantity="discretisation:slope_nag_minus_27_weight_1",
        criterion=Criterion(low=0.9, high=1.1, reason="log-log slope 1; 0.1 for finite steps"),
    ),
    Claim(
        id="highres-15",
        statement="NNAG (29) with beta = 2 stays below bound (30) on the expected gap.",
        source="Theorem 5.1",
        quantity="noise_bounds:gap_over_bound_30",
        criterion=_BOUND,
    ),
    Claim(
        id="highres-16",
        statement="NNAG (31) stays below bound (32) on the expected gap.",
        source="Theorem 5.2",
        quantity="noise_bounds:gap_over_bound_32",
        criterion=_BOUND,
    ),
    Claim(
        id="highres-17",
        statement="NNAG (31) stays below bound (33) on the expected smallest squared gradient.",
        source="Theorem 5.2",
        quantity="noise_bounds:gradient_over_bound_33",
        criterion=_BOUND,
    ),
    Claim(
        id="highres-18",
        statement="The three bounds at L = 100 are those drawn in Fig. 1a.",
        source="Fig. 1a, left",
        quantity="bounds:deviation_smoothness_100",
        criterion=_DIGITISED,
        published="15 points, see the figure",
        known=Known.DIGITISED,
    ),
    Claim(
        id="highres-19",
        statement="The three bounds at L = 1000 are those drawn in Fig. 1a.",
        source="Fig. 1a, right",
        quantity="bounds:deviation_smoothness_1000",
        criterion=_DIGITISED,
        published="15 points, see the figure",
        known=Known.DIGITISED,
    ),
    Claim(
        id="highres-20",
        statement="At L = 100 bound (30) crosses Laborde's.",
        source="Fig. 1a, left",
        quantity="bounds:crossing_smoothness_100",
        criterion=Criterion(low=2.5e4, high=4e4, reason="the published points near the crossing lie 1e4 apart"),
        published="3.1e4",
        known=Known.DIGITISED,
    ),
    Claim(
        id="highres-21",
        statement="At L = 1000 bound (30) stays below Laborde's from k = 1e4 to 1e8.",
        source="Fig. 1a, right",
        quantity="bounds:largest_ratio_30_over_laborde_smoothness_1000",
        criterion=_BOUND,
        published="no crossing",
        known=Known.DIGITISED,
    ),
    Claim(
        id="highres-22",
        statement="For large iterations bound (30) lies below Laborde's, at L = 100 too.",
        source="Section 5, text on Fig. 1a",
        quantity="bounds:final_ratio_30_over_laborde_smoothness_100",
        criterion=_BOUND,
        published="below",
        known=Known.STATED,
    ),
    Claim(
        id="highres-23",
        statement="With noisy gradients NNAG ends below Per-FE-C (steps of the released code).",
        source="Fig. 1b, top",
        quantity="race:per_fe_c_minus_nnag_code",
        criterion=_POSITIVE,
        presets=FULL_SIZE,
    ),
    Claim(
        id="highres-24",
        statement="With noisy gradients Per-FE-C ends below perturbed gradient descent (steps of the released code).",
        source="Fig. 1b, top",
        quantity="race:perturbed_gd_minus_per_fe_c_code",
        criterion=_POSITIVE,
        presets=FULL_SIZE,
    ),
    Claim(
        id="highres-25",
        statement="With the step sizes that the text gives, NNAG ends below perturbed gradient descent.",
        source="Fig. 1b, top, and Section 5.1, text",
        quantity="race:perturbed_gd_minus_nnag_text",
        criterion=_POSITIVE,
        presets=FULL_SIZE,
    ),
    Claim(
        id="highres-26",
        statement="At epoch 20 NNAG+SVRG lies below SVRG (released code).",
        source="Fig. 1b, bottom",
        quantity="race:svrg_minus_nnag_svrg_epoch_20",
        criterion=_POSITIVE,
        presets=FULL_SIZE,
    ),
    Claim(
        id="highres-27",
        statement="At epoch 100 NNAG+SGD lies below SGD (released code).",
        source="Fig. 1b, bottom",
        quantity="race:sgd_minus_nnag_sgd_epoch_100",
        criterion=_POSITIVE,
        presets=HUNDRED_EPOCHS,
    ),
    *(
        Claim(
            id=f"highres-{number}",
            statement=f"{name} reaches the published training loss after 100 epochs on CIFAR-10.",
            source="Fig. 2, archived curves",
            quantity=f"deep:train_loss_epoch_100_{method}",
            criterion=_around(published, spread),
            published=f"{published:g}",
            known=Known.STATED,
            presets=("paper",),
        )
        for number, name, method, published, spread in (
            (28, "SGD", "sgd", 0.283, 0.017),
            (29, "SVRG", "svrg", 0.342, 0.066),
            (30, "NNAG", "nnag", 0.730, 0.216),
            (31, "NNAG+SVRG", "nnag_svrg", 0.290, 0.100),
        )
    ),
    Claim(
        id="highres-32",
        statement="At epoch 20 NNAG+SVRG has the lowest training loss (released reset; stand-in data below paper).",
        source="Fig. 2",
        quantity="deep:best_other_minus_nnag_svrg_loss_epoch_20",
        criterion=_POSITIVE,
        published="0.679 against 1.006",
        known=Known.STATED,
        presets=FULL_SIZE,
    ),
    Claim(
        id="highres-33",
        statement="At epoch 100 NNAG has the highest validation accuracy of the four (stand-in data below paper).",
        source="Fig. 2",
        quantity="deep:nnag_minus_best_other_accuracy_epoch_100",
        criterion=_POSITIVE,
        published="0.606 against 0.601",
        known=Known.STATED,
        presets=FULL_SIZE,
    ),
    Claim(
        id="highres-34",
        statement="The published bands are not spread: half-width over root mean never falls below t19 / sqrt(19).",
        source="archived curves of Fig. 2",
        quantity="bands:smallest_half_width_over_root_mean",
        criterion=Criterion(low=0.2342, reason="the value that a zero spread leaves when the sum is not reset"),
        presets=WITH_PUBLISHED_CURVES,
    ),
    Claim(
        id="highres-35",
        statement="The published bands follow the mean alone: half-width over root mean never exceeds 0.247.",
        source="archived curves of Fig. 2",
        quantity="bands:largest_half_width_over_root_mean",
        criterion=Criterion(
            high=0.247, reason="5 % over the floor leaves room for the true spread that the bands hide"
        ),
        presets=WITH_PUBLISHED_CURVES,
    ),
)

LAWS = (
    Law(
        id="highres-law-01",
        statement="The pair forms of (10), (14) and (19) solve the forced Euler-Lagrange equation of their Lagrangian.",
        source="Sections 2.1 to 2.3",
        quantity="identities:euler_lagrange_residual",
        criterion=Criterion(high=1e-9, reason="automatic differentiation in float64, relative to the acceleration"),
    ),
    Law(
        id="highres-law-02",
        statement="Without noise, with s_k = sqrt(s), t_k = k sqrt(s) and beta = sqrt(s L), NNAG (29) is scheme (21).",
        source="(21), (29)",
        quantity="identities:noise_free_nnag_minus_semi_implicit",
        criterion=_ROUNDING,
    ),
    Law(
        id="highres-law-03",
        statement="SVRG's gradient estimate, averaged over all samples, is the full gradient.",
        source="Johnson and Zhang 2013",
        quantity="identities:svrg_bias",
        criterion=Criterion(high=1e-12, reason="rounding of a float64 mean"),
    ),
    Law(
        id="highres-law-04",
        statement="Convolution by patches and one matrix product is the library's convolution.",
        source="numerics.nets",
        quantity="identities:convolution_difference",
        criterion=Criterion(high=1e-12, reason="rounding of float64 sums over 150 products"),
    ),
)

FINDINGS: tuple[Finding, ...] = (
    Finding(
        id="highres-finding-01",
        statement="(27) with weight k + 1 and the gradient at x is exactly Nesterov's method, from z_0 = x_1.",
        source="our correction of (27)",
        quantity="discretisation:nag_minus_27_weight_1_gradient_x",
    ),
    Finding(
        id="highres-finding-02",
        statement="Nesterov's method lies closer to (14) than to the low-resolution ODE: ratio of sup-errors.",
        source="Section 3",
        quantity="discretisation:error_nag_ode_14_over_low_resolution",
    ),
    Finding(
        id="highres-finding-03",
        statement="Yet it follows (14) to order sqrt(s) only, as it follows the low-resolution ODE.",
        source="Section 3",
        quantity="discretisation:order_nag_ode_14_logistic",
    ),
    Finding(
        id="highres-finding-04",
        statement="Each method follows its modified equation, with shifted time, to order s: smallest of six orders.",
        source="our expansion of NAG, (24) and (27)",
        quantity="discretisation:smallest_order_modified",
    ),
    Finding(
        id="highres-finding-05",
        statement="On the worst case k^3 s^2 min |grad f|^2 grows with log k, by 2/pi^2 = 0.203 as k and n grow.",
        source="our expansion of Nesterov's method",
        quantity="constants:gradient_log_coefficient_worst_case",
    ),
    Finding(
        id="highres-finding-30",
        statement="c of NNAG's training over the largest that Theorem 5.1 allows, 1/sqrt(L) with a = sqrt(L) = 150.",
        source="released training script against Theorem 5.1",
        quantity="deep:nnag_c_over_theorems_limit",
    ),
    Finding(
        id="highres-finding-31",
        statement="a of NNAG+SVRG's training over beta/sqrt(L) of the text: 30 against 10.",
        source="released training script against Section 5.2",
        quantity="deep:nnag_svrg_a_over_papers",
    ),
    Finding(
        id="highres-finding-32",
        statement="What NNAG+SVRG loses when reset each epoch, as the text says, not each batch: loss at epoch 20.",
        source="released training script against Section 5.2",
        quantity="deep:nnag_svrg_reset_epoch_minus_batch_loss_epoch_20",
    ),
    Finding(
        id="highres-finding-33",
        statement="With the reset of the text, what NNAG+SVRG gains on plain SVRG: loss at epoch 20.",
        source="released training script against Section 5.2",
        quantity="deep:svrg_minus_reset_each_epoch_loss_epoch_20",
    ),
    Finding(
        id="highres-finding-34",
        statement="With the reset of the text, what NNAG+SVRG gains on plain SVRG: loss at epoch 100.",
        source="released training script against Section 5.2",
        quantity="deep:svrg_minus_reset_each_epoch_loss_epoch_100",
    ),
    Finding(
        id="highres-finding-35",
        statement="NNAG with a = 15 less NNAG with the released a = 150: accuracy at epoch 100.",
        source="released training script",
        quantity="deep:nnag_a15_minus_a150_accuracy_epoch_100",
    ),
    *(
        Finding(
            id=f"highres-finding-{number}",
            statement=f"Standard deviation of {name}'s {what} over 20 runs at epoch 100, recovered from the bands.",
            source="archived curves of Fig. 2",
            quantity=f"bands:recovered_sd_{quantity}_epoch_100_{method}",
        )
        for number, (what, quantity, name, method) in enumerate(
            (
                (what, quantity, name, method)
                for what, quantity in (("training loss", "train_loss"), ("validation accuracy", "accuracy"))
                for name, method in (("SGD", "sgd"), ("SVRG", "svrg"), ("NNAG", "nnag"), ("NNAG+SVRG", "nnag_svrg"))
            ),
            start=36,
        )
    ),
    Finding(
        id="highres-finding-10",
        statement="Without noise, beta = L = 100: log10 of the growth of Theorem 5.1's Lyapunov function from k0 = 39.",
        source="Theorem 5.1, Lemma A.1",
        quantity="bounds:log10_lyapunov_growth_smoothness_100",
    ),
    Finding(
        id="highres-finding-11",
        statement="From the k0 = 465 that the plain condition beta <= k0^alpha of the lemma asks, it does not grow.",
        source="Lemma A.1",
        quantity="bounds:log10_lyapunov_growth_lemma_smoothness_100",
    ),
    Finding(
        id="highres-finding-12",
        statement="Bound (33) as printed does not hold for the first k: largest ratio of the mean to it from k = 2 on.",
        source="Theorem 5.2",
        quantity="noise_bounds:gradient_over_bound_33_from_k_2",
    ),
    Finding(
        id="highres-finding-13",
        statement="Excess loss of the point that generated the labels; Fig. 1b's curves dive below it.",
        source="Fig. 1b",
        quantity="race:generating_point_excess",
    ),
    Finding(
        id="highres-finding-14",
        statement="What the paper takes for L, the largest squared row of the data.",
        source="Section 5.1",
        quantity="race:largest_squared_row",
    ),
    Finding(
        id="highres-finding-15",
        statement="The smoothness of the same loss.",
        source="Section 5.1",
        quantity="race:smoothness",
    ),
    Finding(
        id="highres-finding-16",
        statement="What NNAG loses if beta is L / 10, as in the text, not L, as in the code: last epoch.",
        source="Section 5.1",
        quantity="race:nnag_beta_tenth_minus_full_code",
    ),
    Finding(
        id="highres-finding-17",
        statement="What gradient descent loses by the code's step 1/(L k^(2/3)), sqrt(L) below the text's: last epoch.",
        source="Section 5.1",
        quantity="race:perturbed_gd_code_step_minus_text_step",
    ),
    Finding(
        id="highres-finding-18",
        statement="With the text's steps gradient descent lies below Per-FE-C: difference of the first and the second.",
        source="Section 5.1",
        quantity="race:perturbed_gd_minus_per_fe_c_text",
    ),
    Finding(
        id="highres-finding-19",
        statement="NNAG with one noise for x and v, as (29), minus with two, as the code: last epoch.",
        source="(29)",
        quantity="race:nnag_reused_minus_fresh_noise_code",
    ),
    Finding(
        id="highres-finding-20",
        statement="Per-FE-C with the gradient at x, as the code, minus at y, as its authors: last epoch.",
        source="released code",
        quantity="race:per_fe_c_gradient_x_minus_y",
    ),
    Finding(
        id="highres-finding-21",
        statement="NNAG+SVRG drawing from ten samples only, as the code, minus from all: last epoch.",
        source="released code",
        quantity="race:nnag_svrg_index_bug_minus_all_samples",
    ),
    Finding(
        id="highres-finding-22",
        statement="SGD minus NNAG+SGD at epoch 1 (released code).",
        source="Fig. 1b, bottom",
        quantity="race:sgd_minus_nnag_sgd_epoch_1",
    ),
    Finding(
        id="highres-finding-23",
        statement="SGD minus NNAG+SGD at epoch 20 (released code).",
        source="Fig. 1b, bottom",
        quantity="race:sgd_minus_nnag_sgd_epoch_20",
    ),
)

FIGURES = (
    Figure(
        id="lyapunov",
        title="Lyapunov functions along the ODEs (10), (14) and (19)",
        claims=("highres-01", "highres-02", "highres-03", "highres-04"),
    ),
    Figure(
        id="discretisation",
        title="Distance of the discrete methods from the ODEs",
        claims=("highres-05", "highres-10", "highres-11", "highres-12", "highres-13", "highres-14"),
    ),
    Figure(
        id="constants",
        title="Nesterov's method against the constants of Theorem 3.1",
        claims=("highres-06", "highres-07", "highres-08", "highres-09"),
    ),
    Figure(
        id="noise_bounds",
        title="NNAG against its bounds under noisy gradients",
        claims=("highres-15", "highres-16", "highres-17"),
    ),
    Figure(
        id="fig1a_bounds",
        title="Fig. 1a: upper bounds (30), (32) and Laborde's",
        claims=("highres-18", "highres-19", "highres-20", "highres-21", "highres-22"),
    ),
    Figure(
        id="fig1b_race",
        title="Fig. 1b: logistic regression with noisy gradients",
        claims=("highres-23", "highres-24", "highres-25", "highres-26", "highres-27"),
    ),
    Figure(
        id="fig2_training",
        title="Fig. 2: training loss and validation accuracy",
        claims=("highres-28", "highres-29", "highres-30", "highres-31", "highres-32", "highres-33"),
    ),
    Figure(
        id="fig2_bands",
        title="Fig. 2: what the published bands measure",
        claims=("highres-34", "highres-35"),
    ),
)

LEDGER = Ledger(study="highres", claims=CLAIMS, laws=LAWS, findings=FINDINGS, figures=FIGURES)
