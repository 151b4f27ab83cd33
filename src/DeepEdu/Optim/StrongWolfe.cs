namespace DeepEdu.Optim;

/// <summary>A step length t along d that lowers the loss enough, f(t) ≤ f(0) + c₁·t·f′(0), and flattens the slope, |f′(t)| ≤ c₂·|f′(0)|: Nocedal and Wright 2006, algorithms 3.5 and 3.6,
/// with the safeguards of Schmidt's minFunc, as PyTorch has them.</summary>
internal static class StrongWolfe
{
    private const double C1 = 1e-4, C2 = 0.9;
    private const int Most = 25;

    /// <summary>A place along the line, and the number under which others know its gradient.</summary>
    public readonly record struct Point(double T, double Loss, int Place, double Slope);

    /// <summary>Searches.</summary>
    /// <param name="at">The loss and slope at a step length.</param>
    /// <param name="drop">Told each place that cannot be the result any more, but the start.</param>
    /// <param name="start">The place 0.</param>
    /// <param name="t">The first length to try.</param>
    /// <param name="width">The largest |dᵢ|.</param>
    /// <param name="least">Brackets whose values differ by less are not cut further.</param>
    public static Point Search(Func<double, Point> at, Action<int> drop, Point start, double t, double width, double least)
    {
        Point before = start, now = at(t), other = start;
        int tries = 0;
        for (; tries < Most; tries++)
        {
            if (now.Loss > start.Loss + (C1 * now.T * start.Slope) || (tries > 1 && now.Loss >= before.Loss)) { other = before; break; }
            if (Math.Abs(now.Slope) <= -C2 * start.Slope)
            {
                Drop(before);
                return now;
            }
            if (now.Slope >= 0) { other = before; break; }
            double next = Cubic(before, now, now.T + (0.01 * (now.T - before.T)), now.T * 10);
            Drop(before);
            (before, now) = (now, at(next));
        }
        if (other.Place != before.Place) { Drop(before); }
        return Zoom(at, Drop, start, other, now, tries, width, least);

        void Drop(Point p)
        {
            if (p.Place != start.Place) { drop(p.Place); }
        }
    }

    // the two ends of a bracket that holds such a place; the better one is kept
    private static Point Zoom(Func<double, Point> at, Action<Point> drop, Point start, Point low, Point high, int tries, double width, double least)
    {
        if (low.Loss > high.Loss) { (low, high) = (high, low); }
        for (bool slow = false; tries < Most && Math.Abs(high.T - low.T) * width >= least; tries++)
        {
            double min = Math.Min(low.T, high.T), max = Math.Max(low.T, high.T), t = Cubic(low, high, min, max), edge = 0.1 * (max - min);
            bool near = Math.Min(max - t, t - min) < edge;
            // twice in a row next to an end: step away from it
            if (near && (slow || t >= max || t <= min))
            {
                t = Math.Abs(t - max) < Math.Abs(t - min) ? max - edge : min + edge;
                near = false;
            }
            slow = near;
            var now = at(t);
            if (now.Loss > start.Loss + (C1 * t * start.Slope) || now.Loss >= low.Loss)
            {
                drop(high);
                high = now;
                if (low.Loss > high.Loss) { (low, high) = (high, low); }
                continue;
            }
            bool turned = now.Slope * (high.T - low.T) >= 0, done = Math.Abs(now.Slope) <= -C2 * start.Slope;
            drop(turned ? high : low);
            if (turned) { high = low; }
            low = now;
            if (done) { break; }
        }
        drop(high);
        return low;
    }

    // where the cubic through both values and slopes is lowest: Nocedal and Wright, eq. 3.59
    private static double Cubic(Point a, Point b, double min, double max)
    {
        if (a.T > b.T) { (a, b) = (b, a); }
        double d1 = a.Slope + b.Slope - (3 * (a.Loss - b.Loss) / (a.T - b.T)), square = (d1 * d1) - (a.Slope * b.Slope);
        if (!(square >= 0)) { return (min + max) / 2; }
        double d2 = Math.Sqrt(square), t = b.T - ((b.T - a.T) * ((b.Slope + d2 - d1) / (b.Slope - a.Slope + (2 * d2))));
        return double.IsNaN(t) ? (min + max) / 2 : Math.Clamp(t, min, max);
    }
}
