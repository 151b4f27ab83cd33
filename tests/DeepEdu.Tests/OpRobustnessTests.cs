using System.Text.RegularExpressions;
using DeepEdu.Autograd;
using DeepEdu.Memory;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Tests;

/// <summary>Bad input of every op of the catalogue ends in an error that teaches, or in a result: never in a crash of the runtime's own.</summary>
[Collection("alone")]
public partial class OpRobustnessTests
{
    public static TheoryData<string> All => OpCatalogTests.All;

    [Theory, MemberData(nameof(All))]
    public void ATensorOfAClosedArenaIsNamed(string name)
    {
        var row = OpCatalog.Row(name);
        var c = OpGolden.Cases(row)[0];
        for (int i = 0; i < c.Inputs.Length; i++)
        {
            var inputs = (Tensor[])c.Inputs.Clone();
            using (new Arena()) { inputs[i] = Tensor.Of(c.Inputs[i].Shape, c.Inputs[i].ToArray()); }
            // an op that only looks at the shape, or hands on the same memory, fails when its result is read
            var e = Assert.Throws<ObjectDisposedException>(() => row.Run(inputs, c.Indices).ToArray());
            Assert.Contains("Keep()", e.Message, StringComparison.Ordinal);
            Assert.Contains(inputs[i].Shape.ToString(), e.Message, StringComparison.Ordinal);
        }
    }

    [Theory, MemberData(nameof(All))]
    public void ShapesThatDoNotFitAreNamedAndShapesThatDoAreComputed(string name)
    {
        var row = OpCatalog.Row(name);
        var c = OpGolden.Cases(row)[0];
        var rng = new Rng(17);
        // what is left unwritten shows
        using (new Arena())
        {
            for (int n = 16; n <= 1024; n += 16)
            {
                for (int i = 0; i < 4; i++) { Tensor.Full([n], 1234.5f); }
            }
        }
        for (int round = 0; round < 60; round++)
        {
            var inputs = (Tensor[])c.Inputs.Clone();
            // one input of a random shape, or all of one
            var odd = Odd(rng);
            int which = rng.Next(inputs.Length + 1);
            for (int i = 0; i < inputs.Length; i++)
            {
                if (i == which || which == inputs.Length) { inputs[i] = Tensor.Uniform(odd, rng, 0.2f, 0.8f); }
            }
            string given = string.Join(" ", inputs.Select(x => x.Shape));
            try
            {
                using var tape = new Tape();
                foreach (var x in inputs) { tape.Watch(x); }
                var y = row.Run(inputs, c.Indices);
                if (!tape.Wants(y)) { continue; }
                var g = tape.Gradients(y, Tensor.Ones(y.Shape));
                if (y.Size > 0) { continue; }
                // nothing came of the inputs, so nothing depends on them
                foreach (var x in inputs) { Assert.All(g.Find(x)?.ToArray() ?? [], d => Assert.Equal(0, d)); }
            }
            catch (Exception e) when (e is ArgumentException or InvalidOperationException and not ObjectDisposedException)
            {
                Assert.True(Teaches().IsMatch(e.Message), $"{name} on {given}: \"{e.Message}\" does not begin with the op's name");
                if (e is ShapeException s) { Assert.NotEmpty(s.Shapes); }
            }
            catch (Exception e) { Assert.Fail($"{name} on {given}: {e.GetType().Name} {e.Message}\n{e.StackTrace}"); }
        }
    }

    public static TheoryData<string> Positions => [.. OpCatalog.Rows.Where(r => r.IndicesArePositions && OpGolden.Cases(r)[0].Indices.Length > 0).Select(r => r.Name)];

    [Theory, MemberData(nameof(Positions))]
    public void PositionsOutsideTheirAxisAreNamed(string name)
    {
        var row = OpCatalog.Row(name);
        var c = OpGolden.Cases(row)[0];
        for (int i = 0; i < c.Indices.Length; i++)
        {
            foreach (int bad in new[] { -7, int.MinValue, 1_000_000, int.MaxValue })
            {
                int[] values = c.Indices[i].ToArray();
                if (values.Length == 0) { continue; }
                values[^1] = bad;
                var indices = (Indices[])c.Indices.Clone();
                indices[i] = Indices.Wrap(values, c.Indices[i].Shape);
                var e = Assert.ThrowsAny<ArgumentException>(() => row.Run(c.Inputs, indices));
                Assert.Matches(Teaches(), e.Message);
                Assert.Contains($"{bad}", e.Message, StringComparison.Ordinal);
            }
        }
    }

    private static Shape Odd(Rng rng)
    {
        int[] sizes = new int[rng.Next(6)];
        foreach (ref int n in sizes.AsSpan()) { n = rng.Next(5); }
        return Shape.Create(sizes);
    }

    [GeneratedRegex(@"^[\w\-+ ]+: ")]
    private static partial Regex Teaches();
}
