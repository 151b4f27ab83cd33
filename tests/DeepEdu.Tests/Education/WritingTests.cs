using DeepEdu.Data;
using DeepEdu.Devices;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Data;
using DeepEdu.Education.Models;
using DeepEdu.Education.Report;
using DeepEdu.Education.Tasks;
using DeepEdu.Education.Text;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Education;

/// <summary>Text generation: how tokens are drawn, what the numbers are, and that a saved model goes on with a prompt.</summary>
[Collection("process settings")]
public sealed class WritingTests : FolderTests
{
    [Theory]
    [InlineData(1, 0, 1, new[] { 0.5, 0.3, 0.2 })]
    [InlineData(0.5, 0, 1, new[] { 25 / 38.0, 9 / 38.0, 4 / 38.0 })] // squares
    [InlineData(0, 0, 1, new[] { 1.0 })]
    [InlineData(1, 2, 1, new[] { 0.625, 0.375 })]
    [InlineData(1, 9, 1, new[] { 0.5, 0.3, 0.2 })]
    [InlineData(1, 0, 0.7, new[] { 0.625, 0.375 })] // one half is not enough, the second is kept whole
    [InlineData(1, 0, 0.45, new[] { 1.0 })]
    [InlineData(1, 2, 0.9, new[] { 0.625, 0.375 })] // of what the first two have together
    public void TokensAreKeptByTheirChances(double temperature, int topK, double topP, double[] expected)
    {
        float[] logits = [MathF.Log(0.2f), MathF.Log(0.5f), 7, MathF.Log(0.3f)];
        TokenSampler sampler = new(new() { Temperature = temperature, TopK = topK, TopP = topP }, new Rng(1), 2);
        var kept = sampler.Kept(logits);
        Assert.Equal(new[] { 1, 3, 0 }[..expected.Length], kept.Select(k => k.Token));
        Assert.Equal(expected, kept.Select(k => k.Chance), (x, y) => Math.Abs(x - y) < 1e-6); // logits are float32
    }

    [Fact]
    public void TokensAreDrawnAsOftenAsTheirChances()
    {
        TokenSampler sampler = new(new() { Temperature = 1 }, new Rng(3));
        float[] logits = [MathF.Log(0.2f), MathF.Log(0.5f), MathF.Log(0.3f)];
        int[] counts = new int[3];
        for (int i = 0; i < 10_000; i++) { counts[sampler.Draw(logits)]++; }
        foreach (var (count, chance) in counts.Zip([0.2, 0.5, 0.3])) { Assert.InRange(count / 10_000.0, chance - 0.025, chance + 0.025); } // five standard errors of √(0.25/10000)
    }

    [Fact]
    public void GramsAreInterpolated()
    {
        NGramModel model = new([0, 1, 0, 1, 0, 2], 3, 2);
        // single tokens: (3 + 3/3)/9, (2 + 1)/9, (1 + 1)/9; after 0 come two kinds in three places: p(1|0) = (2 + 2·3/9)/5; after 2 nothing was seen
        Assert.Equal(-(Math.Log(4 / 9.0) + Math.Log(8 / 15.0)) / 2, model.Nats([0, 1, 0, 1, 0, 2, 0, 1], 6), 1e-12);
        Assert.Equal(-Math.Log(13 / 45.0), model.Nats([0, 2], 1), 1e-12);
        Assert.Equal(1, new[] { 0, 1, 2 }.Sum(t => Math.Exp(-model.Nats([0, t], 1))), 1e-12);
        int[] turns = [.. Enumerable.Range(0, 300).Select(i => i % 3)];
        Assert.InRange(NGramModel.BestOrder(turns, 200, 3, 4), 2, 4); // the token before tells all
        Assert.Equal([1, 2, 0], new NGramModel(turns, 3, 2).Continue([0], 3, new(new() { Temperature = 0 }, new Rng(1))));
    }

    /// <summary>What is read piece by piece is what is read at once, wherever the pieces end.</summary>
    [Fact]
    public void PiecesOfATextAreTheText()
    {
        string text = string.Join(' ', Enumerable.Range(0, 100_000).Select(i => i % 7 == 0 ? $"don't-{i}," : i % 11 == 0 ? "\n😀 x" : $"w{i * i % 97}")) + new string('z', 70_000) + " end";
        Assert.True(TextPieces.Of(text).Count() > 3);
        Assert.Equal(text, string.Concat(TextPieces.Of(text)));
        foreach (ITokenizer tokenizer in new ITokenizer[] { WordTokenizer.Train([text], 50), CharTokenizer.Train([text[..2000]], special: [Vocabulary.Unknown]) })
        {
            int[] tokens = tokenizer.Encode(text);
            Assert.Equal(tokens, TextPieces.Encode(tokenizer, text));
            Assert.Equal(WordTokenizer.Split(tokenizer.Decode(tokens)), TextPieces.Words(tokenizer, tokens, tokens.Length));
            Assert.Equal(WordTokenizer.Split(tokenizer.Decode(tokens.AsSpan(0, tokens.Length * 2 / 3))), TextPieces.Words(tokenizer, tokens, tokens.Length * 2 / 3));
        }
    }

    [Fact]
    public void GramsOfALongTextAreOfItsEnd()
    {
        int[] text = [.. Enumerable.Repeat(1, 500), .. Enumerable.Repeat(0, NGramModel.MostCounted)];
        Assert.Equal(new NGramModel(text.AsSpan(500), 2, 2).Nats([0, 1, 0], 1), new NGramModel(text, 2, 2).Nats([0, 1, 0], 1));
        Assert.NotEqual(new NGramModel(text.AsSpan(0, 1000), 2, 2).Nats([0, 1, 0], 1), new NGramModel(text, 2, 2).Nats([0, 1, 0], 1));
    }

    [Fact]
    public void TheLikelihoodIsThatOfOneLongText()
    {
        LanguageNet network = new(7, 16, new Rng(2));
        int[] text = [.. Enumerable.Range(0, 1200).Select(i => i * i % 7)];
        float whole = network.Forward(Indices.Wrap(text[..^1], [1, 1199])).CrossEntropy(Indices.Wrap(text[1..], [1199])).ToArray()[0];
        Assert.Equal(whole, network.Nats(text, 0), 1e-5); // float32 over other lengths of stretches
        // a tail is told from all before it too, though that is not counted
        float[] all = network.Forward(Indices.Wrap(text[..^1], [1, 1199])).ToArray();
        foreach (int from in new[] { 900, 1199 })
        {
            double tail = Enumerable.Range(from, 1200 - from).Average(at => Math.Log(all[((at - 1) * 7)..(at * 7)].Sum(x => Math.Exp(x))) - all[((at - 1) * 7) + text[at]]);
            Assert.Equal(tail, network.Nats(text, from), 1e-5);
        }
        Assert.NotEqual(network.Nats(text[1198..], 1), network.Nats(text, 1199), 1e-4); // the state tells something
        // what it draws greedily are the likeliest tokens after all before
        int[] drawn = network.Continue([1, 2], 5, new(new() { Temperature = 0 }, new Rng(1)));
        for (int i = 0; i < 5; i++)
        {
            int[] before = [1, 2, .. drawn[..i]];
            float[] logits = network.Forward(Indices.Wrap(before, [1, before.Length])).ToArray()[^7..];
            Assert.Equal(Array.IndexOf(logits, logits.Max()), drawn[i]);
        }
    }

    [Fact]
    public void WhatWasMadeIsDescribed()
    {
        List<string> learned = WordTokenizer.Split("One two three four five six seven.");
        Score[] scores = TextScores.Of("one two three four five six seven one two three four", learned);
        Assert.Equal([("distinct_1", 7 / 11.0), ("distinct_2", 7 / 10.0), ("repeated", 1 / 8.0), ("copied", 2 / 6.0)], scores.Select(s => (s.Name, s.Value)));
        Assert.All(TextScores.Of("one", learned)[1..], s => Assert.True(double.IsNaN(s.Value)));
    }

    [Fact]
    public void TheTextIsCutInOrderAndTokensAreOfThePartLearnedFrom()
    {
        string text = new string('a', 405) + new string('b', 405) + new string('c', 90) + new string('d', 100);
        TextCorpus letters = TextCorpus.Read(Write("x.txt", text), words: false);
        Assert.Equal((3, 810, 900, 1000), (letters.Tokenizer.Count, letters.Train, letters.Test, letters.Tokens.Length));
        Assert.Equal(0, TextCorpus.Special(letters.Tokenizer)[0]);
        Assert.All(letters.Tokens[810..], t => Assert.Equal(0, t)); // c and d are not known
        TextCorpus words = TextCorpus.Read(Write("y.txt", string.Concat(Enumerable.Repeat("so it goes. ", 200))), words: true);
        Assert.Equal(800, words.Tokens.Length);
        Assert.Equal([0, 1], TextCorpus.Special(words.Tokenizer));
        Program.Fails("are too few to learn from; at least 400 are needed", "generate", "--data", Write("z.txt", "short"));
        string said = string.Concat(Enumerable.Repeat("so it goes. ", 200)), blank = new(' ', 1000);
        Program.Fails("of words the part to choose by has 0 and the test part", "generate", "--tokens", "word", "--data", Write("z.txt", said + blank[..300] + said[..300]));
        Program.Fails("and the test part 0; at least two are needed in each", "generate", "--tokens", "word", "--data", Write("z.txt", said + blank[..300]));
        Program.Fails("no such file or folder", "generate", "--data", Path.Combine(Folder, "none"));
        Program.Fails("Must be one of:  'char'  'word'", "generate", "--tokens", "bits");
        Program.Fails("no file *.txt", "generate", "--data", Directory.CreateDirectory(Path.Combine(Folder, "empty")).FullName);
    }

    [Theory]
    [InlineData("char")]
    [InlineData("word")]
    public void NumbersDoNotDependOnTheThreadCountAndLettersBeatSingleOnes(string tokens)
    {
        RunResult one = Run(1), two = Run(2);
        Assert.Equal(one.Metrics, two.Metrics);
        Assert.Equal(one.Tables[0].Rows.SelectMany(r => r), two.Tables[0].Rows.SelectMany(r => r));
        double nats = one.Metrics.Single(m => m.Name == "nats").Value, single = one.Baselines.Single(b => b.Name == "1-gram").Scores.Single(s => s.Name == "nats").Value;
        Assert.True(tokens == "word" || nats < single - 0.05, $"{nats}, single tokens {single}"); // the words of forty essays are too few to learn from
        Assert.Equal(Math.Exp(nats), one.Metrics[0].Value, 1e-9);

        RunResult Run(int threads) => Program.Run(new GenerateTask(), new() { Quick = true, Epochs = 5, Batch = 4, Tokens = tokens }, threads);
    }

    [Fact]
    public void APromptIsGoneOnWith()
    {
        string run = Path.Combine(Folder, "run"), table = Write("two.csv", "id,prompt\n1,Homework\n2,\"Pupils, too\"\n");
        Program.Succeeds("generate", "--quick", "--out", run);
        string[][] rows = Program.Predict(run, table, "--length", "30");
        Assert.Equal(["prompt", "continuation"], rows[0]);
        Assert.Equal(["Homework", "Pupils, too"], rows[1..].Select(r => r[0]));
        Assert.All(rows[1..], r => Assert.Equal(30, r[1].Length));
        Assert.Equal(rows, Program.Predict(run, table, "--length", "30"));
        Assert.NotEqual(rows[1][1], Program.Predict(run, table, "--length", "30", "--seed", "2")[1][1]);
        Assert.Equal(Program.Predict(run, table, "--temperature", "0")[1], Program.Predict(run, table, "--top-k", "1", "--seed", "5")[1]);
        Assert.Equal(rows[1], Program.Predict(run, Write("one.txt", "Homework"), "--length", "30")[1]);
        Assert.Equal(rows[1], Program.Predict(run, Write("one.txt", "Homework\r\n"), "--length", "30")[1]); // as editors end a file
        Assert.Equal("Homework\n", Program.Predict(run, Write("one.txt", "Homework\n\n"))[1][0]);
        Program.Fails("prompt 1 is empty", "predict", "--model", run, "--in", Write("odd.csv", "prompt,x\n,1\n"));
        Program.Fails("no column 'prompt' in the header", "predict", "--model", run, "--in", Write("odd.csv", "text,x\na,1\n"));
        Program.Fails("--top is for models of recommend and answer; the one in --model is of generate", "predict", "--model", run, "--in", table, "--top", "10");
        Program.Fails("--top-p must be between 0 and 1", "predict", "--model", run, "--in", table, "--top-p", "1.5");
    }

    [DataFact("tinyshakespeare")]
    public void ShakespeareIsLearned()
    {
        RunResult result = Assert.Single(new GenerateTask().Run(new() { Data = DataFactAttribute.Folder("tinyshakespeare"), Epochs = 2 }, new NoProgress(), default));
        Assert.InRange(result.Metrics.Single(m => m.Name == "nats").Value, 1.3, 2.1); // letters alone have 3.35; the first 278 steps reach 2.27
    }
}
