using System.Diagnostics.CodeAnalysis;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Sums of products by labelled axes.</summary>
public static class Einsums
{
    // labels of the axes that "..." stands for, counted from the last
    private const int Ellipsis = 256;

    extension(Tensor)
    {
        /// <summary>Einstein's sum: axes of the operands are named by letters; axes of one name run together, and those that the result does not name are summed over.
        /// <c>"bij,bjk->bik"</c> multiplies matrices, <c>"ii"</c> is a trace, <c>"ii->i"</c> a diagonal, <c>"i,j->ij"</c> an outer product; <c>...</c> stands for any axes, which broadcast.
        /// Without <c>-></c> the result has the axes of <c>...</c> and then, in alphabetical order (capitals first), the letters that occur once. Operands are joined from left to right, two at a time, by matrix
        /// products. NumPy's and PyTorch's einsum.</summary>
        /// <param name="equation">Names of the axes of each operand, commas between; then <c>-></c> and those of the result.</param>
        /// <param name="operands">As many tensors as the equation names.</param>
        /// <exception cref="ShapeException">Other numbers of operands or axes than the equation names, or axes of one name that differ in size (1 repeats).</exception>
        /// <exception cref="ArgumentException">The equation cannot be read.</exception>
        public static Tensor Einsum(string equation, params ReadOnlySpan<Tensor> operands)
        {
            ArgumentNullException.ThrowIfNull(equation);
            NullItems.ThrowIfAny(operands);
            string[] sides = equation.Replace(" ", "", StringComparison.Ordinal).Split("->");
            string[] inputs = sides[0].Split(',');
            if (sides.Length > 2) { ThrowEquation(equation, "it has more than one '->'"); }
            if (inputs.Length != operands.Length || operands.IsEmpty) { ThrowCount(equation, inputs.Length, operands); }
            var terms = new Term[operands.Length];
            int dots = 0;
            for (int i = 0; i < terms.Length; i++)
            {
                terms[i] = Diagonals(equation, new(operands[i], Labels(equation, inputs[i], operands[i])));
                dots = Math.Max(dots, terms[i].Labels.Count(l => l >= Ellipsis));
            }
            Check(equation, terms);
            int[] result = sides.Length == 2 ? Result(equation, sides[1], dots) : Implicit(sides[0], dots);
            foreach (int label in result) { if (!terms.Any(t => t.Labels.Contains(label))) { ThrowEquation(equation, $"the result names '{Name(label)}', which no operand has"); } }
            var joined = Summed(terms[0], l => result.Contains(l) || terms[1..].Any(t => t.Labels.Contains(l)));
            for (int i = 1; i < terms.Length; i++)
            {
                var rest = terms[(i + 1)..];
                joined = Joined(joined, terms[i], l => result.Contains(l) || rest.Any(t => t.Labels.Contains(l)));
            }
            return Ordered(joined, result).X;
        }
    }

    // a tensor and the name of each of its axes
    private readonly record struct Term(Tensor X, int[] Labels)
    {
        public int Size(int label) => X.Shape[Array.IndexOf(Labels, label)];
    }

    private static int[] Labels(string equation, string names, Tensor x)
    {
        int dots = names.IndexOf("...", StringComparison.Ordinal), letters = dots < 0 ? names.Length : names.Length - 3, free = x.Rank - letters;
        if (dots < 0 ? free != 0 : free < 0) { ThrowRank(equation, names, x); }
        var labels = new List<int>();
        for (int i = 0; i < names.Length; i++)
        {
            if (i == dots)
            {
                for (int k = free - 1; k >= 0; k--) { labels.Add(Ellipsis + k); }
                i += 2;
            }
            else if (char.IsAsciiLetter(names[i])) { labels.Add(names[i]); }
            else { ThrowEquation(equation, $"'{names[i]}' is no letter"); }
        }
        return [.. labels];
    }

    private static int[] Result(string equation, string names, int dots)
    {
        var labels = new List<int>();
        for (int i = 0; i < names.Length; i++)
        {
            if (names.AsSpan(i).StartsWith("..."))
            {
                for (int k = dots - 1; k >= 0; k--) { labels.Add(Ellipsis + k); }
                i += 2;
            }
            else if (char.IsAsciiLetter(names[i])) { labels.Add(names[i]); }
            else { ThrowEquation(equation, $"'{names[i]}' is no letter"); }
        }
        foreach (int label in labels) { if (labels.IndexOf(label) != labels.LastIndexOf(label)) { ThrowEquation(equation, $"the result names '{Name(label)}' twice"); } }
        return [.. labels];
    }

    private static int[] Implicit(string inputs, int dots)
    {
        var once = inputs.Where(char.IsAsciiLetter).GroupBy(c => c).Where(g => g.Count() == 1).Select(g => (int)g.Key).Order();
        return [.. Enumerable.Range(0, dots).Select(k => Ellipsis + dots - 1 - k), .. once];
    }

    // axes of one name in one operand become their diagonal
    private static Term Diagonals(string equation, Term term)
    {
        for (int i = 0; i < term.Labels.Length; i++)
        {
            int again = Array.IndexOf(term.Labels, term.Labels[i], i + 1);
            if (again < 0) { continue; }
            var s = term.X.Shape;
            if (s[i] != s[again]) { ThrowSizes(equation, term.Labels[i], s[i], s[again], s); }
            int[] others = [.. Enumerable.Range(0, s.Rank).Where(k => k != i && k != again)];
            term = new(term.X.Permute([.. others, i, again]).Diagonal(), [.. others.Select(k => term.Labels[k]), term.Labels[i]]);
            i = -1;
        }
        return term;
    }

    private static void Check(string equation, Term[] terms)
    {
        var sizes = new Dictionary<int, int>();
        foreach (var term in terms)
        {
            for (int i = 0; i < term.Labels.Length; i++)
            {
                int n = term.X.Shape[i], known = sizes.GetValueOrDefault(term.Labels[i], 1);
                if (n != known && n != 1 && known != 1) { ThrowSizes(equation, term.Labels[i], known, n, Array.ConvertAll(terms, t => t.X.Shape)); }
                if (n != 1 || !sizes.ContainsKey(term.Labels[i])) { sizes[term.Labels[i]] = n; }
            }
        }
    }

    // axes that nobody wants any more are added up
    private static Term Summed(Term term, Func<int, bool> wanted)
    {
        int[] gone = [.. Enumerable.Range(0, term.Labels.Length).Where(i => !wanted(term.Labels[i]))];
        return gone.Length == 0 ? term : new(term.X.Sum(gone), [.. term.Labels.Where(wanted)]);
    }

    private static Term Joined(Term a, Term b, Func<int, bool> wanted)
    {
        // an axis of size 1 beside a longer one repeats: without it the other's is the result's
        (a, b) = (Shed(a, b), Shed(b, a));
        (a, b) = (Summed(a, l => wanted(l) || b.Labels.Contains(l)), Summed(b, l => wanted(l) || a.Labels.Contains(l)));
        int[] both = [.. a.Labels.Where(l => b.Labels.Contains(l) && wanted(l))], gone = [.. a.Labels.Where(l => b.Labels.Contains(l) && !wanted(l))];
        int[] left = [.. a.Labels.Except(b.Labels)], right = [.. b.Labels.Except(a.Labels)], labels = [.. both, .. left, .. right];
        if (gone.Length == 0)
        {
            // nothing to sum: a product value by value
            var x = Ordered(a, [.. both, .. left]).X;
            var y = Ordered(b, [.. both, .. right]).X;
            return new(x.Reshape([.. x.Shape.Sizes, .. Enumerable.Repeat(1, right.Length)]) * y.Reshape([.. y.Shape.Sizes[..both.Length], .. Enumerable.Repeat(1, left.Length), .. y.Shape.Sizes[both.Length..]]), labels);
        }
        int[] sizes = [.. both.Select(a.Size), .. left.Select(a.Size), .. right.Select(b.Size)];
        int batch = Product(both, a), m = Product(left, a), k = Product(gone, a), n = Product(right, b);
        // a factor that lies transposed is multiplied as it lies
        bool transA = a.Labels.AsSpan().SequenceEqual((int[])[.. both, .. gone, .. left]), transB = b.Labels.AsSpan().SequenceEqual((int[])[.. both, .. right, .. gone]);
        var p = transA ? a.X.Reshape(batch, k, m) : Ordered(a, [.. both, .. left, .. gone]).X.Reshape(batch, m, k);
        var q = transB ? b.X.Reshape(batch, n, k) : Ordered(b, [.. both, .. gone, .. right]).X.Reshape(batch, k, n);
        return new(p.MatMul(q, transA, transB).Reshape(sizes), labels);
    }

    private static Term Shed(Term a, Term b)
    {
        int[] single = [.. Enumerable.Range(0, a.Labels.Length).Where(i => a.X.Shape[i] == 1 && b.Labels.Contains(a.Labels[i]) && b.Size(a.Labels[i]) != 1)];
        return single.Length == 0 ? a : new(a.X.Reshape([.. Enumerable.Range(0, a.Labels.Length).Except(single).Select(i => a.X.Shape[i])]), [.. Enumerable.Range(0, a.Labels.Length).Except(single).Select(i => a.Labels[i])]);
    }

    private static Term Ordered(Term term, int[] labels) => term.Labels.AsSpan().SequenceEqual(labels) ? term : new(term.X.Permute([.. labels.Select(l => Array.IndexOf(term.Labels, l))]), labels);

    private static int Product(int[] labels, Term term)
    {
        int n = 1;
        foreach (int label in labels) { n *= term.Size(label); }
        return n;
    }

    private static string Name(int label) => label >= Ellipsis ? "..." : $"{(char)label}";

    [DoesNotReturn]
    private static void ThrowEquation(string equation, string why) => throw new ArgumentException($"einsum: \"{equation}\": {why}");

    [DoesNotReturn]
    private static void ThrowCount(string equation, int names, ReadOnlySpan<Tensor> operands) =>
        throw new ShapeException("einsum", $"\"{equation}\" names {names} operands, {operands.Length} were given", Array.ConvertAll(operands.ToArray(), x => x.Shape));

    [DoesNotReturn]
    private static void ThrowRank(string equation, string names, Tensor x) => throw new ShapeException("einsum", $"\"{equation}\": '{names}' does not name the {x.Rank} axes of {x.Shape} one by one; use ... for the rest?", x.Shape);

    [DoesNotReturn]
    private static void ThrowSizes(string equation, int label, int first, int second, params Shape[] shapes) =>
        throw new ShapeException("einsum", $"\"{equation}\": axis '{Name(label)}' is {first} long in one place and {second} in another", shapes);
}
