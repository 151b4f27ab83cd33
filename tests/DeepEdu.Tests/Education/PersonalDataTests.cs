using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Personal;

namespace DeepEdu.Tests.Education;

/// <summary>What of data is of persons, and how it is taken out.</summary>
public sealed class PersonalDataTests : FolderTests
{
    private const string Secret = "0123456789abcdef-secret";

    [Fact]
    public void PseudonymsAreThoseOfTheKey()
    {
        string key = Write("key", Secret + "\n"), table = Write("a.csv", "learner,score,note\nAnn,1,\"a, \"\"b\"\"\"\nBo,2,\n Ann ,3,x\n,4,y\nNA,5,z\n"), to = Path.Combine(Folder, "b.csv");
        Assert.Contains("5 rows, 3 values replaced", Program.Succeeds("data", "pseudonymise", table, "--key-file", key, "--columns", "learner", "--out", to), StringComparison.Ordinal);
        string ann = Of("Ann"), bo = Of("Bo");
        Assert.Equal($"learner,score,note\n{ann},1,\"a, \"\"b\"\"\"\n{bo},2,\n{ann},3,x\n,4,y\nNA,5,z\n", File.ReadAllText(to));
        Assert.NotEqual(ann, bo);
        Assert.Equal(33, ann.Length);

        // in another file, packed, between tabs, under another name
        string other = Write("c.tsv", "x\tuser\n\"1\tBo\n2\tAnn\n3\tZoé\n"), packed = Path.Combine(Folder, "d.tsv.gz");
        Program.Succeeds("data", "pseudonymise", other, "--key-file", key, "--columns", "user", "--out", packed);
        using StreamReader reader = new(new GZipStream(File.OpenRead(packed), CompressionMode.Decompress));
        Assert.Equal($"x\tuser\n\"1\t{bo}\n2\t{ann}\n3\t{Of("Zoé")}\n", reader.ReadToEnd());

        // another key, other names
        string second = Path.Combine(Folder, "second"), third = Path.Combine(Folder, "e.csv");
        Program.Succeeds("data", "key", second);
        Assert.DoesNotContain(File.ReadAllText(second).Trim(), Program.Succeeds("data", "pseudonymise", table, "--key-file", second, "--columns", "learner", "--out", third), StringComparison.Ordinal);
        Assert.DoesNotContain(ann, File.ReadAllText(third), StringComparison.Ordinal);

        static string Of(string name) => $"p{Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.ASCII.GetBytes(Secret), Encoding.UTF8.GetBytes(name)))[..32]}";
    }

    [Fact]
    public void KeysAreNewAndOfTheirOwnerAlone()
    {
        string one = Path.Combine(Folder, "one"), two = Path.Combine(Folder, "two");
        Assert.DoesNotContain(ReadKey(one), Program.Succeeds("data", "key", two), StringComparison.Ordinal);
        Assert.Equal(64, File.ReadAllText(one).Trim().Length);
        Assert.NotEqual(File.ReadAllText(one), File.ReadAllText(two));
        if (!OperatingSystem.IsWindows()) { Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(one)); }
        Program.Fails("a key that is written over is lost", "data", "key", one);

        static string ReadKey(string path)
        {
            Program.Succeeds("data", "key", path);
            return File.ReadAllText(path).Trim();
        }
    }

    [Fact]
    public void NothingIsWrittenOverNorInPart()
    {
        string key = Write("key", Secret), table = Write("a.csv", "learner,x\nAnn,1\nBo,2,3\n"), to = Path.Combine(Folder, "b.csv");
        string[] command = ["data", "pseudonymise", table, "--key-file", key, "--columns", "learner", "--out", to];
        Program.Fails("line 3: 3 fields, the header has 2", command);
        Assert.Equal(["a.csv", "key"], Directory.GetFiles(Folder).Select(f => Path.GetFileName(f)!).Order());
        File.WriteAllText(table, "learner,x\nAnn,1\n");
        Program.Succeeds(command);
        string before = File.ReadAllText(to);
        Program.Fails("is there already, and nothing is written over", command);
        Program.Fails("is there already", "data", "pseudonymise", table, "--key-file", key, "--columns", "x", "--out", table);
        Assert.Equal(before, File.ReadAllText(to));
        Program.Fails("there are learner, x", "data", "pseudonymise", table, "--key-file", key, "--columns", "learner,pupil", "--out", Path.Combine(Folder, "c.csv"));
        Program.Fails("has 5 bytes; a key that cannot be guessed has 16 or more", "data", "pseudonymise", table, "--key-file", Write("short", "12345\n"), "--columns", "learner", "--out", Path.Combine(Folder, "c.csv"));
        Program.Fails("Make one by 'data key", "data", "pseudonymise", table, "--key-file", Path.Combine(Folder, "none"), "--columns", "learner", "--out", Path.Combine(Folder, "c.csv"));
        Assert.False(File.Exists(Path.Combine(Folder, "c.csv")));
    }

    [Theory]
    [InlineData("write to ann.lee+x@mail.school.org.", "write to [EMAIL].")]
    [InlineData("see https://a.b/c?d=1#e, or (www.school.org/x).", "see [URL], or ([URL]).")]
    [InlineData("DE89 3704 0044 0532 0130 00 and GB82WEST12345698765432", "[IBAN] and [IBAN]")]
    [InlineData("DE88 3704 0044 0532 0130 00", "DE88 3704 [PHONE]")] // its check digits do not fit; part of it has the form of another
    [InlineData("card 4111 1111 1111 1111, or 5500-0000-0000-0004", "card [CARD], or [CARD]")]
    [InlineData("4111111111111112", "[NUMBER]")] // no card
    [InlineData("call +49 (0)30 901820 or 0049 30 901820 or +1-212-555-0123", "call [PHONE] or [PHONE] or [PHONE]")]
    [InlineData("call (212) 555-0123, 030 / 90 18 20 or 0171 2345678", "call [PHONE], [PHONE] or [PHONE]")]
    [InlineData("my number is 1234567", "my number is [NUMBER]")]
    [InlineData("123456 people in 1984-1990, 3.14159265 and 20 000, 1,000,000", "123456 people in 1984-1990, 3.14159265 and 20 000, 1,000,000")]
    [InlineData("thanks @ann_lee and @zoé!", "thanks [HANDLE] and [HANDLE]!")]
    [InlineData("@PERSON1 met @CAPS12's friend in @LOCATION2 on @DATE1 for @MONEY1, @PERCENT3 of @ORGANIZATION1 @DR1 @EMAIL1 @CAPS", "@PERSON1 met @CAPS12's friend in @LOCATION2 on @DATE1 for @MONEY1, @PERCENT3 of @ORGANIZATION1 @DR1 @EMAIL1 @CAPS")]
    [InlineData("on @CAPS1.V. the @NUM2nd of @PERSON1s DATE1@NUM1.and @CAPS2.com", "on @CAPS1.V. the @NUM2nd of @PERSON1s DATE1@NUM1.and @CAPS2.com")]
    [InlineData("@PERSONAL1 and a@b, 3 @ 5", "[HANDLE] and a@b, 3 @ 5")]
    [InlineData("Ann met anna lena Ross; Will will sing, ANN too. Anna-Lena, Joann, Ann's", "[NAME] met anna lena Ross; [NAME] will sing, [NAME] too. [NAME], Joann, [NAME]'s")]
    [InlineData("", "")]
    public void TextsAreScrubbed(string text, string expected)
    {
        PersonalData finder = new(new NameList(["Ann", "Anna Lena", "will", " "]));
        Assert.Equal(expected, PersonalData.Replace(text, finder.Find(text)));
        Assert.Empty(finder.Find(expected)); // once is enough
    }

    [Fact]
    public void WhatIsFoundIsToldByItsPlaceAlone()
    {
        string table = Write("essays.tsv", "essay_id\tessay\n1234567\tmail ann@x.org now\n2\tnothing here, @CAPS1\n3\tann@x.org or @ann \"so\n"), to = Path.Combine(Folder, "clean.tsv"), places = Path.Combine(Folder, "places.csv");
        string told = Program.Succeeds("data", "scan", table, "--columns", "essay", "--out", to);
        Assert.Contains("2 of 3 rows hold what seems to be of persons: EMAIL 2, URL 0, IBAN 0, CARD 0, PHONE 0, NUMBER 0, HANDLE 1\n  line 2, essay, character 6: EMAIL\n  line 4, essay, character 1: EMAIL\n  line 4, essay, character 14: HANDLE\n", told, StringComparison.Ordinal);
        Assert.DoesNotContain("ann", told.Replace("[", "", StringComparison.Ordinal).Split("Not looked for")[0], StringComparison.Ordinal);
        Assert.Equal("essay_id\tessay\n1234567\tmail [EMAIL] now\n2\tnothing here, @CAPS1\n3\t[EMAIL] or [HANDLE] \"so\n", File.ReadAllText(to));
        Assert.Contains("NUMBER 1", Program.Succeeds("data", "scan", table, "--places", places), StringComparison.Ordinal);
        Assert.Equal("line,column,character,kind\n2,\"essay_id\",1,NUMBER\n2,\"essay\",6,EMAIL\n4,\"essay\",1,EMAIL\n4,\"essay\",14,HANDLE\n", File.ReadAllText(places));

        // a text, of which each line is looked at; names of a list, and what else is said
        string lines = Write("asked.jsonl", "{\"question\": \"who is Zoé?\"}\n{\"question\": \"see www.x.org\"}\n"), names = Write("names.txt", "Zoe\nZoé\n\n"), clean = Path.Combine(Folder, "clean.jsonl");
        Assert.Contains("2 of 2 lines hold what seems to be of persons: EMAIL 0, URL 1", Program.Succeeds("data", "scan", lines, "--names", names, "--out", clean), StringComparison.Ordinal);
        Assert.Equal("{\"question\": \"who is [NAME]?\"}\n{\"question\": \"see [URL]\"}\n", File.ReadAllText(clean));
        Assert.Contains("names of persons (give --names)", Program.Succeeds("data", "scan", lines), StringComparison.Ordinal);
        Program.Fails("is lines of text by its name", "data", "scan", lines, "--columns", "question");
        Program.Fails("holds no name", "data", "scan", lines, "--names", Write("empty.txt", "\n\n"));
        Program.Fails("no such file; give a list", "data", "scan", lines, "--names", Path.Combine(Folder, "none"));
        Program.Fails("nothing is written over", "data", "scan", lines, "--out", clean);
        Assert.Contains("  and 5 more; --places FILE writes all", Program.Succeeds("data", "scan", Write("many.txt", string.Concat(Enumerable.Repeat("a@b.org\n", 25)))), StringComparison.Ordinal);
    }

    [Fact]
    public void GroupsAreCountedByTheirLearners()
    {
        // 3 of (10, a), 2 of (10, b), 1 of (11, a) and 1 whose age is missing, twice
        string table = Write("a.csv", "who,age,school,mark\n1,10,a,5\n2,10,a,4\n3,10, a,3\n4,10,b,2\n5,10,b,1\n6,11,a,1\n7,,a,2\n7,NA,a,3\n"), to = Path.Combine(Folder, "b.csv");
        string told = Program.Succeeds("data", "anonymity", table, "--columns", "age,school", "--k", "3", "--learner", "who", "--out", to);
        Assert.Contains("8 rows, 4 groups; the smallest has 1 learners: 1-anonymous", told, StringComparison.Ordinal);
        Assert.Contains("groups of fewer than 3 learners: 3, with 5 rows (62.5 %)\n  without age: 2 rows\n  without school: 3 rows\n", told, StringComparison.Ordinal);
        Assert.Equal("who,age,school,mark\n1,10,a,5\n2,10,a,4\n3,10,\" a\",3\n", File.ReadAllText(to));
        Assert.Contains("3-anonymous", Program.Succeeds("data", "anonymity", to, "--columns", "age,school"), StringComparison.Ordinal);

        // each row another learner's
        Assert.Contains("the smallest has 1 rows", Program.Succeeds("data", "anonymity", table, "--columns", "age,school"), StringComparison.Ordinal);
        Assert.Contains("groups of fewer than 2 rows: 1, with 1 rows (12.5 %)", Program.Succeeds("data", "anonymity", table, "--columns", "age", "--k", "2"), StringComparison.Ordinal);
        Program.Fails("each learner would be a group", "data", "anonymity", table, "--columns", "age,who", "--learner", "who");
        Program.Fails("--k must be at least 2", "data", "anonymity", table, "--columns", "age", "--k", "1");
        Program.Fails("no column 'sex'", "data", "anonymity", table, "--columns", "age,sex");
        Program.Fails("a header but no rows", "data", "anonymity", Write("none.csv", "a,b\n"), "--columns", "a");
    }
}
