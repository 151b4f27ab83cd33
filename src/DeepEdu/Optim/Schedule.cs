namespace DeepEdu.Optim;

/// <summary>The learning rate as a function of the step, or of the epoch: whichever is counted. It has no memory, so training can be taken up anywhere.
/// <code>
/// var schedule = Schedule.Cosine(1e-3, steps: 1000).WarmUp(50);
/// optimizer.LearningRate = schedule.At(step);
/// </code></summary>
public sealed class Schedule
{
    private readonly Func<int, double> _rate;

    /// <summary>A schedule of one's own.</summary>
    /// <param name="rate">From the number of the step, 0 first, to its learning rate.</param>
    public Schedule(Func<int, double> rate)
    {
        ArgumentNullException.ThrowIfNull(rate);
        _rate = rate;
    }

    /// <summary>The learning rate of step <paramref name="step"/>, 0 first.</summary>
    public double At(int step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        return _rate(step);
    }

    /// <summary>Always the same rate.</summary>
    public static Schedule Constant(double rate) => new(_ => rate);

    /// <summary>rate·factor^⌊t/every⌋. <c>StepLR</c>.</summary>
    public static Schedule Step(double rate, int every, double factor = 0.1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(every);
        return new(t => rate * Math.Pow(factor, t / every));
    }

    /// <summary>rate times factor once for each milestone reached. <c>MultiStepLR</c>.</summary>
    public static Schedule MultiStep(double rate, int[] milestones, double factor = 0.1)
    {
        ArgumentNullException.ThrowIfNull(milestones);
        int[] own = [.. milestones];
        return new(t => rate * Math.Pow(factor, own.Count(m => t >= m)));
    }

    /// <summary>rate·factorᵗ. <c>ExponentialLR</c>.</summary>
    public static Schedule Exponential(double rate, double factor) => new(t => rate * Math.Pow(factor, t));

    /// <summary>From rate to floor along half a cosine in the given steps, then floor: Loshchilov and Hutter 2017, arXiv:1608.03983, eq. 5. <c>CosineAnnealingLR</c>, without its
    /// rise after the end.</summary>
    public static Schedule Cosine(double rate, int steps, double floor = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(steps);
        return new(t => HalfCosine(rate, floor, Math.Min(1, t / (double)steps)));
    }

    /// <summary>Half a cosine from rate to floor, again and again: the first in <paramref name="steps"/> steps, each next one <paramref name="stretch"/> times as long.
    /// Loshchilov and Hutter 2017, arXiv:1608.03983, eq. 5. <c>CosineAnnealingWarmRestarts</c>.</summary>
    public static Schedule CosineRestarts(double rate, int steps, int stretch = 1, double floor = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(steps);
        ArgumentOutOfRangeException.ThrowIfLessThan(stretch, 1);
        return new(t =>
        {
            long length = steps, since = t;
            if (stretch == 1) { since %= length; }
            for (; since >= length; length *= stretch) { since -= length; }
            return HalfCosine(rate, floor, since / (double)length);
        });
    }

    /// <summary>Up from peak/divide to peak, then down to peak/(divide·finalDivide): Smith and Topin 2018, arXiv:1708.07120. <c>OneCycleLR</c>.</summary>
    /// <param name="peak">The highest rate.</param>
    /// <param name="steps">All steps, at least 2.</param>
    /// <param name="rising">The part of the steps that go up.</param>
    /// <param name="divide">peak over the first rate.</param>
    /// <param name="finalDivide">The first rate over the last.</param>
    /// <param name="threePhases">Down to the first rate in as many steps as up, then on to the last, as in the paper; needs rising of at most ½. PyTorch's <c>three_phase</c>.</param>
    /// <param name="linear">Straight lines, as in the paper, instead of half cosines. PyTorch's <c>anneal_strategy="linear"</c>.</param>
    public static Schedule OneCycle(double peak, int steps, double rising = 0.3, double divide = 25, double finalDivide = 1e4, bool threePhases = false, bool linear = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 2);
        if (!(rising >= 0 && rising <= (threePhases ? 0.5 : 1))) { throw new ArgumentOutOfRangeException(nameof(rising), $"one-cycle: the rising part {rising} must lie in 0..{(threePhases ? 0.5 : 1)}"); }
        double top = (rising * steps) - 1, middle = threePhases ? (2 * top) : steps - 1, first = peak / divide, last = first / finalDivide;
        Func<double, double, double, double> line = linear ? StraightLine : HalfCosine;
        return new(t => t <= top ? line(first, peak, top > 0 ? t / top : 1)
            : t <= middle || !threePhases ? line(peak, threePhases ? first : last, Math.Min(1, (t - top) / (middle - top)))
            : line(first, last, Math.Min(1, (t - middle) / (steps - 1 - middle))));
    }

    /// <summary>Up from low to high and down again, over and over: Smith 2017, arXiv:1506.01186. <c>CyclicLR</c>.</summary>
    /// <param name="low">The rate that each cycle begins and ends with.</param>
    /// <param name="high">The rate at the top of the first cycle.</param>
    /// <param name="up">Steps from low to high.</param>
    /// <param name="down">Steps back; as many as up unless given.</param>
    /// <param name="shrink">What the height above low is multiplied by from one cycle to the next: ½ is PyTorch's <c>triangular2</c>.</param>
    /// <param name="fade">The same from one step to the next: PyTorch's <c>exp_range</c> with this <c>gamma</c>.</param>
    public static Schedule Cyclic(double low, double high, int up, int? down = null, double shrink = 1, double fade = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(up);
        if (down is { } steps) { ArgumentOutOfRangeException.ThrowIfNegativeOrZero(steps, nameof(down)); }
        int back = down ?? up;
        return new(t =>
        {
            int cycle = t / (up + back), since = t % (up + back);
            double part = since <= up ? since / (double)up : 1 - ((since - up) / (double)back);
            return low + ((high - low) * part * Math.Pow(shrink, cycle) * Math.Pow(fade, t));
        });
    }

    /// <summary>From rate to end in a straight line in the given steps, then end. <c>LinearLR</c>.</summary>
    public static Schedule Linear(double rate, double end, int steps) => Polynomial(rate, steps, 1, end);

    /// <summary>end + (rate − end)·(1 − t/steps)^power, then end. <c>PolynomialLR</c>, Keras' <c>PolynomialDecay</c>.</summary>
    public static Schedule Polynomial(double rate, int steps, double power = 1, double end = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(steps);
        return new(t => end + ((rate - end) * Math.Pow(1 - Math.Min(1, t / (double)steps), power)));
    }

    /// <summary>This schedule, its first steps multiplied by (t + 1)/(steps + 1): a linear rise that reaches the full rate at step <paramref name="steps"/>.
    /// Goyal et al. 2017, arXiv:1706.02677, §2.2.</summary>
    public Schedule WarmUp(int steps)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(steps);
        return new(t => _rate(t) * Math.Min(1, (t + 1) / (steps + 1.0)));
    }

    /// <summary>This schedule, its first steps multiplied by from + (1 − from)·t/steps. <c>LinearLR(start_factor=from)</c> as a warm-up.</summary>
    /// <param name="steps">The step that has the full rate.</param>
    /// <param name="from">The first step's part of it.</param>
    public Schedule WarmUp(int steps, double from)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(steps);
        return new(t => _rate(t) * StraightLine(from, 1, Math.Min(1, t / (double)steps)));
    }

    /// <summary>This schedule times another, whose values are factors. <c>ChainedScheduler</c>.</summary>
    public Schedule Times(Schedule factor)
    {
        ArgumentNullException.ThrowIfNull(factor);
        return new(t => _rate(t) * factor._rate(t));
    }

    /// <summary>This schedule for the given steps, then another, which counts from 0. <c>SequentialLR</c>.</summary>
    public Schedule Then(int steps, Schedule next)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(steps);
        ArgumentNullException.ThrowIfNull(next);
        return new(t => t < steps ? _rate(t) : next._rate(t - steps));
    }

    private static double StraightLine(double from, double to, double part) => from + ((to - from) * part);

    private static double HalfCosine(double from, double to, double part) => to + ((from - to) * (1 + Math.Cos(Math.PI * part)) / 2);
}
