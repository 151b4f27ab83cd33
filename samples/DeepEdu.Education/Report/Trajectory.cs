using System.Globalization;
using System.Text;

namespace DeepEdu.Education.Report;

/// <summary>A learner over its answers: how likely the next answer to each skill was, what was answered, and what moved the last chance.</summary>
/// <param name="Title">Who, and why this one is shown.</param>
/// <param name="First">How many answers were before those that are shown.</param>
/// <param name="Curves">A curve a skill: the chance before each answer, and after the last one.</param>
/// <param name="Answers">Of each answer its curve, −1 if the skill has none, and whether it was right.</param>
/// <param name="Because">What is said below.</param>
internal sealed record Trajectory(string Title, int First, Curve[] Curves, (int Curve, bool Right)[] Answers, string Because)
{
    private static readonly string[] s_dashes = ["", "6 3", "2 3", "9 3 2 3", "1 5"];

    /// <summary>A line a skill, told apart by dashes too; a dot is a right answer, a cross a wrong one, each at the chance that was told before it.</summary>
    public string Svg()
    {
        const double width = 940, height = 300, left = 44, right = 16, top = 52, bottom = 42, letter = 6.5;
        double X(int i) => left + ((width - left - right) * i / Math.Max(1, Answers.Length));
        double Y(double chance) => top + ((height - top - bottom) * (1 - chance));
        StringBuilder svg = Report.Svg.Begin(width, height, Title);
        for (int t = 0; t <= 4; t++)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{left}\" y1=\"{Y(t / 4.0):0.0}\" x2=\"{width - right}\" y2=\"{Y(t / 4.0):0.0}\" stroke=\"#ddd\"/>");
            Report.Svg.Text(svg, left - 6, Y(t / 4.0) + 4, "end", (t / 4.0).ToString("0.00", CultureInfo.InvariantCulture));
        }
        int stride = Math.Max(1, (Answers.Length + 14) / 15);
        for (int i = 0; i < Answers.Length; i += stride) { Report.Svg.Text(svg, X(i), height - bottom + 16, "middle", (First + i + 1).ToString(CultureInfo.InvariantCulture)); }
        Report.Svg.Text(svg, (left + width - right) / 2, height - 8, "middle", "answer: ● right, × wrong, at the chance told before it; grey below: of a skill without a line");
        double legend = left;
        for (int c = 0; c < Curves.Length; c++)
        {
            string colour = Report.Svg.Colour(c), dash = s_dashes[c % s_dashes.Length], line = $"stroke=\"{colour}\" stroke-width=\"1.6\"{(dash.Length > 0 ? $" stroke-dasharray=\"{dash}\"" : "")}";
            string path = string.Join(' ', Curves[c].Values.Select((v, i) => string.Create(CultureInfo.InvariantCulture, $"{X(i):0.0},{Y(v):0.0}")));
            svg.Append(CultureInfo.InvariantCulture, $"<polyline points=\"{path}\" fill=\"none\" {line}/><line x1=\"{legend:0.0}\" y1=\"36\" x2=\"{legend + 26:0.0}\" y2=\"36\" {line}/>");
            Report.Svg.Text(svg, legend + 30, 40, "start", Curves[c].Name, colour);
            legend += 46 + (letter * Curves[c].Name.Length);
        }
        foreach (var (i, (curve, isRight)) in Answers.Index())
        {
            double x = X(i), y = curve < 0 ? height - bottom - 4 : Y(Curves[curve].Values[i]);
            string colour = curve < 0 ? "#888" : Report.Svg.Colour(curve);
            svg.Append(isRight ? string.Create(CultureInfo.InvariantCulture, $"<circle cx=\"{x:0.0}\" cy=\"{y:0.0}\" r=\"3.5\" fill=\"{colour}\"/>")
                : string.Create(CultureInfo.InvariantCulture, $"<path d=\"M{x - 4:0.0} {y - 4:0.0}l8 8m0 -8l-8 8\" stroke=\"{colour}\" stroke-width=\"2\" fill=\"none\"/>"));
        }
        return svg.Append("</svg>").ToString();
    }
}
