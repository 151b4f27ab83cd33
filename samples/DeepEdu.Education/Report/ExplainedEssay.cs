using System.Globalization;
using System.Text;
using DeepEdu.Education.Models;
using DeepEdu.Education.Text;

namespace DeepEdu.Education.Report;

/// <summary>A test essay and what each of its words gave to its score.</summary>
/// <param name="Id">Of the essay.</param>
/// <param name="Why">Why this one is shown.</param>
/// <param name="Text">As it was written.</param>
/// <param name="Truth">The score that it got.</param>
/// <param name="Exact">The score that it was given, not rounded.</param>
/// <param name="Points">What each word of <see cref="EssayWords"/> gave, in points of the scale.</param>
/// <param name="Delta">By how much all words miss the score's difference to an essay that says nothing.</param>
internal sealed record ExplainedEssay(int Id, string Why, string Text, int Truth, double Exact, double[] Points, double Delta)
{
    private const int Named = 5, Steps = 4;

    /// <summary>What holds the true score of nine essays in ten, such as "6.2 to 9.1"; empty where there is none.</summary>
    public string Within { get; init; } = "";

    /// <summary>Whether a person shall grade it too, and why; empty if not.</summary>
    public string Review { get; init; } = "";

    /// <summary>Rules of the page. What gives is blue above a whole line, what takes orange above a dotted one, the more the darker and thicker: the lines tell them apart without colours and on paper, where browsers leave backgrounds out.</summary>
    public static string Style => ".essay{white-space:pre-wrap;line-height:2;border:1px solid #ddd;padding:.6em 1em;break-inside:avoid}.essay span,.key span{border-bottom:1px solid #0b6bcb;-webkit-print-color-adjust:exact;print-color-adjust:exact}"
        + string.Concat(Enumerable.Range(1, Steps).Select(k => string.Create(CultureInfo.InvariantCulture, $".essay .g{k},.key .g{k}{{background:rgba(11,107,203,{0.12 * k:0.00});border-bottom:{k}px solid #0b6bcb}}.essay .t{k},.key .t{k}{{background:rgba(217,119,6,{0.14 * k:0.00});border-bottom:{k}px dotted #b45309}}")));

    /// <summary>What the colours mean.</summary>
    public static string Key => "<p class=\"key\">What a word gave to the score: <span class=\"g1\">a little</span> <span class=\"g2\">more</span> <span class=\"g3\">much</span> <span class=\"g4\">most</span>; what it took: <span class=\"t1\">a little</span> <span class=\"t2\">more</span> "
        + "<span class=\"t3\">much</span> <span class=\"t4\">most</span>, in quarters of the strongest word of all essays here; without a line less than an eighth. Integrated gradients of the word vectors, from an essay of as many words that say nothing, of the network that did not learn from the essay.</p>\n";

    /// <summary>The essay as a piece of the page.</summary>
    /// <param name="encode">Makes text safe.</param>
    /// <param name="most">The points of the strongest word of all that are shown.</param>
    public string Html(Func<string, string> encode, double most)
    {
        StringBuilder html = new();
        string given = string.Create(CultureInfo.InvariantCulture, $"score {Exact:0.00}{(Within.Length > 0 ? $" (90 % interval {Within})" : "")}, true score {Truth}; {(Review.Length > 0 ? $"review: {Review}" : "no review")}");
        html.Append(CultureInfo.InvariantCulture, $"<h4>Essay {Id}, {encode(Why)}: {encode(given)}</h4>\n<p class=\"essay\">");
        var words = EssayWords.Places(Text);
        int at = 0;
        for (int w = 0; w < words.Count; w++)
        {
            var (from, length) = words[w].Place.GetOffsetAndLength(Text.Length);
            string word = encode(Text.Substring(from, length));
            html.Append(encode(Text[at..from])).Append(Class(Points[w], most) is { } name ? $"<span class=\"{name}\" title=\"{Points[w].ToString("+0.000;-0.000", CultureInfo.InvariantCulture)}\">{word}</span>" : word);
            at = from + length;
        }
        html.Append(encode(Text[at..])).Append("</p>\n");
        var sums = words.Zip(Points).GroupBy(p => p.First.Word, p => p.Second, StringComparer.Ordinal).Select(g => (Word: g.Key, Points: g.Sum(), Places: g.Count())).ToArray();
        double told = Points.Sum();
        html.Append(CultureInfo.InvariantCulture, $"<p>As many words that say nothing would get {Exact - told + Delta:0.00}; what these say gives {EssayPredictor.Points(told)} together (delta {EssayPredictor.Points(Delta)}). {List("Gave", sums.Where(s => s.Points >= 0.005).OrderByDescending(s => s.Points))} {List("Took", sums.Where(s => s.Points <= -0.005).OrderBy(s => s.Points))}</p>\n");
        return html.ToString();

        string List(string what, IEnumerable<(string Word, double Points, int Places)> sums)
            => $"{what} most, all places together: {(string.Join(", ", sums.Take(Named).Select(m => string.Create(CultureInfo.InvariantCulture, $"“{encode(m.Word)}” {EssayPredictor.Points(m.Points)} ({m.Places})"))) is { Length: > 0 } list ? list : "nothing")}.";
    }

    /// <summary>The points of the strongest word of some essays.</summary>
    public static double Strongest(IEnumerable<ExplainedEssay> essays) => essays.SelectMany(e => e.Points).Select(Math.Abs).DefaultIfEmpty(0).Max();

    /// <summary>In which quarter of the strongest word it is; null below an eighth.</summary>
    private static string? Class(double points, double most)
        => Math.Abs(points) < most / 8 || most < 1e-9 ? null : string.Create(CultureInfo.InvariantCulture, $"{(points > 0 ? 'g' : 't')}{Math.Clamp((int)Math.Ceiling(Steps * Math.Abs(points) / most), 1, Steps)}");
}
