using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Neural matrix factorisation (He et al. 2017, arXiv:1708.05031, eq. 12): an elementwise product of factors beside a tower of dense layers, each on embeddings of its own,
/// joined by one output. With <c>factors</c> F the tower is 8F → 4F → 2F → F and its embeddings are 4F wide.</summary>
internal sealed class NeuMf : Module
{
    private readonly Embedding _factorUser, _factorItem, _towerUser, _towerItem;
    private readonly Sequential _tower;
    private readonly Dense _output;

    public NeuMf(int users, int items, int factors, Rng rng)
    {
        (_factorUser, _factorItem) = (Table(users, factors, rng), Table(items, factors, rng));
        (_towerUser, _towerItem) = (Table(users, 4 * factors, rng), Table(items, 4 * factors, rng));
        _tower = new Sequential(
            new Dense(8 * factors, 4 * factors, rng, init: Init.XavierUniform()), new Relu(),
            new Dense(4 * factors, 2 * factors, rng, init: Init.XavierUniform()), new Relu(),
            new Dense(2 * factors, factors, rng, init: Init.XavierUniform()), new Relu());
        _output = new Dense(2 * factors, 1, rng, init: Init.LeCunUniform());
    }

    /// <summary>The logit of "user takes item": users [n], items [n] → [n].</summary>
    public Tensor Forward(Indices users, Indices items)
    {
        var product = _factorUser.Forward(users) * _factorItem.Forward(items);
        var tower = _tower.Forward(Tensor.Concat([_towerUser.Forward(users), _towerItem.Forward(items)], 1));
        return _output.Forward(Tensor.Concat([product, tower], 1)).Squeeze(1);
    }

    protected override void Parts(Parts p) => p.Of(_factorUser).Of(_factorItem).Of(_towerUser).Of(_towerItem).Of(_tower).Of(_output);

    private static Embedding Table(int count, int width, Rng rng) => new(count, width, rng, init: Init.Normal(0, 0.01f));
}
