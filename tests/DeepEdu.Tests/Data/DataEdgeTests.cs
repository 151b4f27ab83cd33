using System.Buffers.Binary;
using System.Text;
using DeepEdu.Data;
using DeepEdu.Numerics;
using DeepEdu.Tensors;
using DeepEdu.Tests.Io;

namespace DeepEdu.Tests.Data;

/// <summary>Ends of ranges, ties and long inputs of what prepares data.</summary>
public sealed class DataEdgeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Of four unsorted numbers, so that quantiles lie between two of them: scikit-learn's RobustScaler.</summary>
    [Fact]
    public void QuantilesLieBetweenNumbers()
    {
        float[] table = [5, 1, 8, 2];
        Assert.Equal([0.375f, -0.625f, 1.125f, -0.375f], Normaliser.Fit(table, 1, [0, 1, 2, 3], Scaling.Robust).Apply(table));
        float[] holes = [5, 10, 1, float.NaN, 8, 30, 2, 20];
        var marked = Normaliser.Fit(holes, 2, [0, 1, 2, 3], Scaling.MinMax, Missing.Median, mark: true);
        Assert.Equal([4 / 7f, 0, 0, 0, 0, 0.5f, 0, 1, 1, 1, 0, 0, 1 / 7f, 0.5f, 0, 0], marked.Apply(holes), (a, b) => MathF.Abs(a - b) < 1e-6f); // the second of two columns was missing
        Assert.Equal([0, 0], Normaliser.Fit([3, 3], 1, [0, 1], Scaling.MinMax).Apply([3, 3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Normaliser.Fit([1, 2], 1, [2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Normaliser.Fit([1, 2], 0, [0]));
        Assert.Throws<ShapeException>(() => marked.Apply([1, 2, 3]));
        Assert.Throws<InvalidDataException>(() => Normaliser.Load(new StateDict().Set("shift", Array.Empty<double>()).Set("scale", Array.Empty<double>()).Set("fill", Array.Empty<double>()).Set("mark", false)));
    }

    [Fact]
    public void ShuffledFoldsAreOthersAndOneGroupIsLeftOutAtATime()
    {
        int[] labels = [.. Enumerable.Range(0, 60).Select(i => i % 3)], groups = [.. Enumerable.Range(0, 60).Select(i => i * i % 11)];
        Assert.NotEqual(Folds.KFold(60, 5)[0].Test, Folds.KFold(60, 5, new Rng(1))[0].Test);
        Assert.NotEqual(Folds.Stratified(labels, 5)[0].Test, Folds.Stratified(labels, 5, new Rng(1))[0].Test);
        Assert.NotEqual(Folds.ByGroup<int>(groups, 3)[0].Test, Enumerable.Range(1, 5).Select(s => Folds.ByGroup<int>(groups, 3, new Rng((ulong)s))[0].Test).First(t => !t.SequenceEqual(Folds.ByGroup<int>(groups, 3)[0].Test)));
        var left = Folds.LeaveOneGroupOut<int>(groups);
        Assert.Equal(groups.Distinct().Count(), left.Length);
        Assert.All(left, f => Assert.Single(f.Test.Select(r => groups[r]).Distinct()));
        Assert.Throws<ArgumentOutOfRangeException>(() => Folds.Stratified(labels, 1));
        Assert.Contains("1 folds of 1 groups", Assert.Throws<ArgumentOutOfRangeException>(() => Folds.LeaveOneGroupOut<int>([4, 4, 4])).Message, StringComparison.Ordinal);
        Assert.Contains("3 folds of 2 rows after the first", Assert.Throws<ArgumentOutOfRangeException>(() => Folds.Temporal([1, 2, 3], 3)).Message, StringComparison.Ordinal);
        Assert.Equal(2, Folds.Temporal([1, 2, 3], 2).Length);
    }

    [Fact]
    public void BucketsComeInAnyOrderOfLengths()
    {
        int[] lengths = [.. Enumerable.Range(0, 200)];
        int[] firsts = [.. new LengthBuckets(lengths, 4, new Rng(1), pool: 1000).Epoch(0).Select(b => b[0])];
        Assert.NotEqual(firsts.Order(), firsts);
        Assert.Throws<ArgumentOutOfRangeException>(() => new LengthBuckets(lengths, 0, new Rng(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LengthBuckets(lengths, 1, new Rng(1), pool: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LengthBuckets(lengths, 1, new Rng(1)).Epoch(-1));
        Assert.Contains("row 2 has no length", Assert.Throws<ArgumentOutOfRangeException>(() => new LengthBuckets([2], [1, 2], 1, new Rng(1))).Message, StringComparison.Ordinal);
    }

    /// <summary>Whoever took nearly all is given the rest by its popularity, and never what nobody took.</summary>
    [Fact]
    public void TheRestIsDrawnByItsPopularity()
    {
        int[] most = [.. Enumerable.Range(0, 3000).Where(i => i is not (17 or 2711 or 5))]; // 5 was taken by none
        var taken = new TakenItems([most, [17, 2711], [2711], [2711], [.. most, 17, 2711]], 3000);
        var sampler = NegativeSampler.Popular(taken, 1);
        var rng = new Rng(3);
        int[] drawn = [.. Enumerable.Range(0, 1200).Select(_ => sampler.Draw(0, rng))];
        Assert.Equal([17, 2711], drawn.Distinct().Order());
        Assert.InRange(drawn.Count(d => d == 17) / 1200.0, 0.3333 - 0.07, 0.3333 + 0.07); // taken by 2 and by 4; 5 standard errors
        Assert.Contains("took every item that may be drawn", Assert.Throws<InvalidOperationException>(() => sampler.Draw(4, rng)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => sampler.Hardest(0, 0, _ => 0, rng));
        var free = NegativeSampler.Uniform(new TakenItems([[]], 50));
        Assert.Equal(free.Draw(0, new Rng(5)), free.Hardest(0, 4, _ => 0, new Rng(5))); // of equals the first
    }

    /// <summary>Tables of random weights, many of them 0, hold each chance to the last digits and never draw what weighs nothing.</summary>
    [Fact]
    public void AnAliasTableNeverDrawsNothing()
    {
        var rng = new Rng(2);
        for (int i = 0; i < 3000; i++)
        {
            double[] weights = [.. Enumerable.Range(0, 2 + (i % 9)).Select(_ => rng.Next(3) == 0 ? 0 : rng.NextDouble() / 3)];
            weights[i % weights.Length] = 0.1;
            var table = new AliasTable(weights);
            for (int k = 0; k < 20; k++) { Assert.NotEqual(0, weights[table.Draw(rng)]); }
        }
        int[] counts = new int[3];
        var three = new AliasTable([0.1, 0, 0.3]);
        for (int i = 0; i < 40_000; i++) { counts[three.Draw(rng)]++; }
        Assert.InRange(counts[0] / 40_000.0, 0.25 - 0.011, 0.25 + 0.011); // 5 standard errors
        Assert.Equal(0, counts[1]);
    }

    /// <summary>A plane of numbers is sampled exactly between its points, so each place shows where it came from.</summary>
    [Theory, InlineData(0f), InlineData(1f)]
    public void ShiftTurnAndScaleTogetherGoWhereTheFormulaSays(float flips)
    {
        const int Height = 20, Width = 31;
        var image = Tensor.Of([2, Height, Width], [.. from c in Enumerable.Range(0, 2) from y in Enumerable.Range(0, Height) from x in Enumerable.Range(0, Width) select (100f * c) + (3 * x) + (7 * y)]);
        var change = new Augmentation { Shift = 3, Rotate = 40, Scale = 0.2f, FlipHorizontal = flips, FlipVertical = flips, Background = float.NaN };
        for (ulong seed = 0; seed < 10; seed++)
        {
            var rng = new Rng(seed);
            float Sign() => (2 * rng.NextSingle()) - 1;
            double dx = 3 * Sign(), dy = 3 * Sign(), angle = 40 * Sign() * Math.PI / 180, scale = 1 + (0.2 * Sign());
            float[] found = change.Apply(image, new Rng(seed)).ToArray();
            int looked = 0;
            for (int i = 0; i < found.Length; i++)
            {
                int x = i % Width, y = i / Width % Height;
                double u = x - ((Width - 1) / 2.0) - dx, v = y - ((Height - 1) / 2.0) - dy;
                double fromX = (((Math.Cos(angle) * u) + (Math.Sin(angle) * v)) / scale) + ((Width - 1) / 2.0), fromY = (((Math.Cos(angle) * v) - (Math.Sin(angle) * u)) / scale) + ((Height - 1) / 2.0);
                if (flips == 1) { (fromX, fromY) = (Width - 1 - fromX, Height - 1 - fromY); }
                bool inside = fromX > 0.001 && fromX < Width - 1.001 && fromY > 0.001 && fromY < Height - 1.001;
                if (!inside) { continue; }
                looked++;
                Assert.Equal((100 * (i / (Width * Height))) + (3 * fromX) + (7 * fromY), found[i], 1e-3);
            }
            Assert.True(looked > found.Length / 3);
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => change.Apply([1], new float[1], 0, 1, new Rng(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => change.Apply([1], new float[1], 1, 0, new Rng(1)));
    }

    /// <summary>Lines longer than what is read at once, and lines that end just where it ends.</summary>
    [Theory, InlineData(65_535), InlineData(65_536), InlineData(65_537), InlineData(200_000), InlineData(3)]
    public void LongLinesAreWhole(int length)
    {
        string[] texts = ["ä", new('x', length - 3), "", new('y', length), "end"];
        File.WriteAllText(_folder["long.jsonl"], string.Concat(texts.Select(t => $"\"{t}\"\r\n")), Encoding.UTF8);
        Assert.Equal(texts, JsonLines.Read(_folder["long.jsonl"], e => e.GetString()!));
        // words of word2vec's binary files, whose vectors may hold any byte
        string[] words = [new('x', length), "b", new('y', 70_000)];
        using (var file = File.Create(_folder["long.bin"]))
        {
            file.Write(Encoding.ASCII.GetBytes("3 2\n"));
            foreach (string word in words)
            {
                file.Write(Encoding.ASCII.GetBytes(word + " "));
                byte[] vector = new byte[8];
                BinaryPrimitives.WriteSingleLittleEndian(vector, word.Length);
                BinaryPrimitives.WriteInt32LittleEndian(vector.AsSpan(4), 0x0A200A20); // blanks and ends of lines
                file.Write([.. vector, (byte)'\n']);
            }
        }
        var read = WordVectors.Read(_folder["long.bin"]);
        Assert.Equal(words, read.Words);
        Assert.Equal(words.Select(w => (float)w.Length), Enumerable.Range(0, 3).Select(i => read.Values.AsSpan()[2 * i]));
        using (var file = File.Open(_folder["long.bin"], FileMode.Open)) { file.SetLength(file.Length - 40_000); }
        Assert.Contains("cut off at word 2 of 3", Assert.Throws<InvalidDataException>(() => WordVectors.Read(_folder["long.bin"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EffectiveNumbersFollowTheirFormula()
    {
        float[] weights = ClassWeights.EffectiveNumber([0, 0, 0, 1, 0, 0, 0, 3], 4, 0.9).ToArray();
        double many = 0.1 / (1 - Math.Pow(0.9, 6)), sum = many + 2;
        Assert.Equal([4 * many / sum, 4 / sum, 0, 4 / sum], weights.Select(w => (double)w), (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.Equal([0, 0], ClassWeights.EffectiveNumber([], 2).ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => ClassWeights.EffectiveNumber([0], 1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => ClassWeights.EffectiveNumber([0], 1, -0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => ClassWeights.Balanced([], 0));
        Assert.Equal([1], ClassWeights.Balanced([0], 1).ToArray());
    }

    [Fact]
    public void ImagesOfNumbersAreRoundedPixelByPixel()
    {
        var image = Image.Of(Tensor.Of([2, 1, 3], [0, 0.5f, 2, 0.25f, float.NaN, -1]), 10);
        Assert.Equal((3, 1, 2), (image.Width, image.Height, image.Channels));
        Assert.Equal([0, 2, 5, 0, 10, 0], image.Samples); // 2.5 to the even one
        Assert.Equal(1, Image.Of(Tensor.Zeros([1, 2, 2])).Channels);
        Assert.Equal(4, Image.Of(Tensor.Zeros([4, 2, 2])).Channels);
        Assert.Throws<ShapeException>(() => Image.Of(Tensor.Zeros([5, 2, 2])));
        Assert.Throws<ShapeException>(() => Image.Of(Tensor.Zeros([0, 2, 2])));
        foreach (var (width, height, channels, top) in new[] { (0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 0, 1), (1, 1, 5, 1), (1, 1, 1, 0), (1, 1, 1, 65536) })
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => new Image(width, height, channels, new ushort[width * height * channels], top));
        }
        Assert.Equal(1, new Image(1, 1, 1, [1], 1).Top);
    }

    /// <summary>Words that are known have their rows; the others are drawn with the deviation of all numbers, the padding is 0.</summary>
    [Fact]
    public void TablesOfVocabulariesTakeKnownRowsAndDrawTheRest()
    {
        string[] known = [.. Enumerable.Range(0, 40).Select(i => $"w{i}")];
        File.WriteAllLines(_folder["v.txt"], known.Select((w, i) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{w} {string.Join(' ', Enumerable.Range(0, 50).Select(k => 10 + (4 * (((i + k) % 2) - 0.5))))}")));
        var vectors = WordVectors.Read(_folder["v.txt"]);
        var vocabulary = Vocabulary.Of([known, Enumerable.Range(0, 40).Select(i => $"new{i}")]);
        var table = vectors.ForVocabulary(vocabulary, new Rng(1));
        List<float> drawn = [];
        for (int i = 0; i < vocabulary.Count; i++)
        {
            float[] row = table[i].ToArray();
            if (vectors.Find(vocabulary[i]) is var at and >= 0) { Assert.Equal(vectors.Values[at].ToArray(), row); }
            else if (vocabulary[i] == Vocabulary.Padding) { Assert.All(row, v => Assert.Equal(0, v)); }
            else { drawn.AddRange(row); }
        }
        Assert.True(drawn.Count >= 2000);
        Assert.InRange(Math.Sqrt(drawn.Average(v => (double)v * v)), 2 - 0.17, 2 + 0.17); // numbers of 8 and 12; 5 standard errors of 2/√4000
        Assert.Throws<ArgumentOutOfRangeException>(() => WordVectors.Read(_folder["v.txt"], most: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new WeightedSampler([1, 2], -1, new Rng(1)));
    }

    [Fact]
    public void SequencesThatCannotBePaddedAreNamed()
    {
        float[][] samples = [[1, 2]];
        Assert.Throws<ArgumentOutOfRangeException>(() => Collate.Pad(samples, s => s, features: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Collate.Pad(samples, s => s, 2, limit: 0));
        Assert.Contains("has 2 values, which is not whole steps of 3", Assert.Throws<ShapeException>(() => Collate.Pad(samples, s => s, 3)).Message, StringComparison.Ordinal);
        Assert.Contains("no sample", Assert.Throws<ShapeException>(() => Collate.Stack(Array.Empty<float[]>(), s => s)).Message, StringComparison.Ordinal);
    }
}
