using System.Globalization;
using System.Net;
using System.Text;
using DeepEdu.Metrics;

namespace DeepEdu.Education.Report;

/// <summary>Charts as inline SVG: no scripts, no outside files.</summary>
internal static class Svg
{
    private static readonly string[] s_colours = ["#0b6bcb", "#d1495b", "#2e8b57", "#8a5bb5", "#b8860b", "#444444"];

    /// <summary>The colour of a curve.</summary>
    public static string Colour(int curve) => s_colours[curve % s_colours.Length];

    public static string Lines(Chart chart)
    {
        const double width = 460, height = 294, left = 58, right = 12, top = 66, bottom = 42, letter = 6.5;
        double[] all = [.. chart.Curves.SelectMany(c => c.Values).Where(double.IsFinite)];
        if (all.Length == 0) { return ""; }
        double low = all.Min(), high = all.Max();
        if (high - low < 1e-9) { (low, high) = (low - 0.5, high + 0.5); }
        int points = chart.Curves.Max(c => c.Values.Length);
        double X(int i) => left + (width - left - right) * (points == 1 ? 0.5 : i / (points - 1.0));
        double Y(double v) => top + (height - top - bottom) * (high - v) / (high - low);
        StringBuilder svg = Begin(width, height, chart.Title);
        for (int t = 0; t <= 4; t++)
        {
            double v = low + (high - low) * t / 4;
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{left}\" y1=\"{Y(v):0.0}\" x2=\"{width - right}\" y2=\"{Y(v):0.0}\" stroke=\"#ddd\"/>");
            Text(svg, left - 6, Y(v) + 4, "end", v.ToString("G4", CultureInfo.InvariantCulture));
        }
        int stride = Math.Max(1, (points + 9) / 10);
        for (int i = 0; i < points; i += stride) { Text(svg, X(i), height - bottom + 16, "middle", (i + 1).ToString(CultureInfo.InvariantCulture)); }
        Text(svg, (left + width - right) / 2, height - 8, "middle", chart.Axis);
        double legend = left, line = 31;
        for (int c = 0; c < chart.Curves.Length; c++)
        {
            string colour = Colour(c);
            var shown = chart.Curves[c].Values.Select((v, i) => (v, i)).Where(p => double.IsFinite(p.v)).ToArray();
            string path = string.Join(' ', shown.Select(p => string.Create(CultureInfo.InvariantCulture, $"{X(p.i):0.0},{Y(p.v):0.0}")));
            svg.Append(CultureInfo.InvariantCulture, $"<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>");
            foreach (var (v, i) in shown) { svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{X(i):0.0}\" cy=\"{Y(v):0.0}\" r=\"2.5\" fill=\"{colour}\"/>"); }
            double wide = 30 + (letter * chart.Curves[c].Name.Length);
            if (legend + wide > width && legend > left) { (legend, line) = (left, line + 15); }
            svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{legend:0.0}\" y=\"{line:0.0}\" width=\"10\" height=\"10\" fill=\"{colour}\"/>");
            Text(svg, legend + 14, line + 9, "start", chart.Curves[c].Name, colour);
            legend += wide;
        }
        return svg.Append("</svg>").ToString();
    }

    /// <summary>Rows are the true classes; a cell is the darker the larger its share of the row.</summary>
    public static string Confusion(ConfusionMatrix matrix, string[] names)
    {
        int k = matrix.Classes;
        double cell = Math.Clamp(300.0 / k, 14, 60), left = 64, top = 48, size = cell * k;
        StringBuilder svg = Begin(left + size + 14, top + size + 14, "Confusion: true class (rows), predicted (columns)");
        for (int t = 0; t < k; t++)
        {
            string name = t < names.Length ? names[t] : t.ToString(CultureInfo.InvariantCulture);
            Text(svg, left - 6, top + (t + 0.5) * cell + 4, "end", name);
            Text(svg, left + (t + 0.5) * cell, top - 6, "middle", name);
            double support = Math.Max(1e-12, matrix.Support(t));
            for (int p = 0; p < k; p++)
            {
                double share = matrix[t, p] / support;
                svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{left + p * cell:0.0}\" y=\"{top + t * cell:0.0}\" width=\"{cell:0.0}\" height=\"{cell:0.0}\" fill=\"#0b6bcb\" fill-opacity=\"{share:0.00}\" stroke=\"#ccc\"/>");
                if (matrix[t, p] > 0 && cell >= 22)
                {
                    Text(svg, left + (p + 0.5) * cell, top + (t + 0.5) * cell + 4, "middle", matrix[t, p].ToString("0", CultureInfo.InvariantCulture), share > 0.5 ? "#fff" : "#222");
                }
            }
        }
        return svg.Append("</svg>").ToString();
    }

    /// <summary>Share that was right over the stated confidence; a dot's area is the bin's count, the diagonal is perfect.</summary>
    public static string Reliability(Calibration calibration)
    {
        const double left = 52, top = 34, size = 250;
        StringBuilder svg = Begin(left + size + 16, top + size + 44, $"Reliability (ECE {ResultTable.Number(calibration.Value)})");
        svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{left}\" y=\"{top}\" width=\"{size}\" height=\"{size}\" fill=\"none\" stroke=\"#999\"/>");
        svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{left}\" y1=\"{top + size}\" x2=\"{left + size}\" y2=\"{top}\" stroke=\"#999\" stroke-dasharray=\"4 4\"/>");
        for (int t = 0; t <= 4; t++)
        {
            string label = (t / 4.0).ToString("0.00", CultureInfo.InvariantCulture);
            Text(svg, left + size * t / 4, top + size + 16, "middle", label);
            Text(svg, left - 6, top + size - size * t / 4 + 4, "end", label);
        }
        Text(svg, left + size / 2, top + size + 36, "middle", "stated confidence");
        ReliabilityBin[] bins = [.. calibration.Bins.Where(b => b.Count > 0)];
        double most = bins.Length == 0 ? 1 : bins.Max(b => b.Count);
        foreach (ReliabilityBin bin in bins)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{left + size * bin.Confidence:0.0}\" cy=\"{top + size * (1 - bin.Frequency):0.0}\" r=\"{3 + 9 * Math.Sqrt(bin.Count / most):0.0}\" fill=\"#0b6bcb\" fill-opacity=\"0.65\"/>");
        }
        return svg.Append("</svg>").ToString();
    }

    /// <summary>A drawing with its title.</summary>
    public static StringBuilder Begin(double width, double height, string title)
    {
        StringBuilder svg = new();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:0}\" height=\"{height:0}\" viewBox=\"0 0 {width:0} {height:0}\" font-family=\"sans-serif\" font-size=\"11\" role=\"img\">");
        Text(svg, 8, 18, "start", title, "#111", bold: true);
        return svg;
    }

    /// <summary>A text, its markup escaped.</summary>
    public static void Text(StringBuilder svg, double x, double y, string anchor, string text, string colour = "#333", bool bold = false)
        => svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x:0.0}\" y=\"{y:0.0}\" text-anchor=\"{anchor}\" fill=\"{colour}\"{(bold ? " font-weight=\"bold\"" : "")}>{WebUtility.HtmlEncode(text)}</text>");
}
